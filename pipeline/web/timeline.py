"""What happened when: the events of a video, and a chart of them over time as HTML."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from pipeline.web.words import moment, who_is

HUES = (174, 38, 262, 338, 205, 90, 300, 15, 235, 130)
"""Of the actions' colours, in degrees, in the order in which they come up; then from the start."""
TICKS = (0.5, 1, 2, 5, 10, 20, 30)
"""Seconds that may lie between two marks of the time axis."""
MARKS = 8
"""Marks that the axis has at most."""


@dataclass(frozen=True)
class Event:
    """One action of one person or two, as `pipeline.sink.EventsSink` writes it.

    Attributes:
        start, end: seconds.
        who: ids, such as "1" or "1+2".
        label: of the action.
        score: mean probability.
    """

    start: float
    end: float
    who: str
    label: str
    score: float


def read_events(path: Path) -> list[Event]:
    """Read what `EventsSink` wrote as CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Event(
                start=float(row["start"]),
                end=float(row["end"]),
                who=row["who"],
                label=row["label"],
                score=float(row["score"]),
            )
            for row in csv.DictReader(file)
        ]


def chart(events: Sequence[Event], seconds: float) -> str:
    """A row for every person or pair, a bar for every action; pointing at a bar shows the score.

    Args:
        events: what is drawn; nothing is drawn of none.
        seconds: length of the video.
    """
    if not events:
        return ""
    seconds = max(seconds, *(event.end for event in events))
    hues: dict[str, int] = {}
    for event in events:
        hues.setdefault(event.label, HUES[len(hues) % len(HUES)])
    rows = sorted({event.who for event in events}, key=lambda who: (len(who), who))
    lanes = "".join(
        f'<div class="who">{escape(who_is(who))}</div><div class="lane">'
        + "".join(_bar(event, hues[event.label], seconds) for event in events if event.who == who)
        + "</div>"
        for who in rows
    )
    return f'<div class="timeline" role="img">{lanes}<div></div>{_axis(seconds)}</div>'


def _bar(event: Event, hue: int, seconds: float) -> str:
    left, width = event.start / seconds, (event.end - event.start) / seconds
    when = f"{moment(event.start)} – {moment(event.end)}"
    tip = f"{event.label}, {event.score:.0%}, {when}"
    return (
        f'<div class="bar" tabindex="0" data-tip="{escape(tip)}" '
        f'style="left: {left:.2%}; width: {width:.2%}; --hue: {hue}">'
        f"<span>{escape(event.label)}</span></div>"
    )


def _axis(seconds: float) -> str:
    step = next((tick for tick in TICKS if seconds / tick < MARKS), TICKS[-1])
    marks = "".join(
        f'<span style="left: {i * step / seconds:.2%}">{i * step:g} s</span>'
        for i in range(int(seconds / step) + 1)
    )
    return f'<div class="axis">{marks}</div>'
