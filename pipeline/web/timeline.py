"""The timeline: the events of a video, and a chart of them over time as HTML."""

from collections.abc import Sequence
from html import escape

from pipeline.events_file import Event
from pipeline.web.words import format_time, name_people

HUES = (174, 38, 262, 338, 205, 90, 300, 15, 235, 130)
"""Hues of the labels in degrees, in the order in which labels first occur; then repeated."""
TICKS = (0.5, 1, 2, 5, 10, 20, 30)
"""Possible distances of two marks of the time axis, in seconds."""
MAX_MARKS = 8
"""Largest number of marks on the time axis."""


def chart(events: Sequence[Event], seconds: float) -> str:
    """Draw a row for each person or pair, and a bar for each event, with its score as a tip.

    Args:
        events: to draw; the chart of none is empty.
        seconds: duration of the video.
    """
    if not events:
        return ""
    seconds = max(seconds, *(event.end for event in events))
    hues: dict[str, int] = {}
    for event in events:
        hues.setdefault(event.label, HUES[len(hues) % len(HUES)])
    rows = sorted({event.who for event in events}, key=lambda who: (len(who), who))
    lanes = "".join(
        f'<div class="who">{escape(name_people(who))}</div><div class="lane">'
        + "".join(_bar(event, hues[event.label], seconds) for event in events if event.who == who)
        + "</div>"
        for who in rows
    )
    return f'<div class="timeline" role="img">{lanes}<div></div>{_axis(seconds)}</div>'


def _bar(event: Event, hue: int, seconds: float) -> str:
    left, width = event.start / seconds, (event.end - event.start) / seconds
    when = f"{format_time(event.start)} – {format_time(event.end)}"
    tip = f"{event.label}, {event.score:.0%}, {when}"
    return (
        f'<div class="bar" tabindex="0" data-tip="{escape(tip)}" '
        f'style="left: {left:.2%}; width: {width:.2%}; --start: {left:.4f}; --hue: {hue}">'
        f"<span>{escape(event.label)}</span></div>"
    )


def _axis(seconds: float) -> str:
    """Marks of the time, each with the distance at which the style sheet shows it.

    Where not all marks fit, every second one is left out, then every second one of the others, and
    so on. A mark's distance is that to its nearest neighbour of those that stay as long as it does.
    """
    step = next((tick for tick in TICKS if seconds / tick < MAX_MARKS), TICKS[-1])
    texts = [f"{index * step:g} s" for index in range(int(seconds / step) + 1)]
    marks = "".join(
        f'<span style="left: {index * step / seconds:.2%}; '
        f'--distance: {(index & -index) * step / seconds:.4f}">{text}</span>'
        for index, text in enumerate(texts)
    )
    return f'<div class="axis" style="--room: {max(map(len, texts)) + 2}ch">{marks}</div>'
