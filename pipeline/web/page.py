"""Parts of the page, as HTML, Markdown and data URLs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from models.errors import UserError
from pipeline.overlay import person_colour
from pipeline.web.limits import check_size
from pipeline.web.words import format_time, name_people

if TYPE_CHECKING:
    from models.action.label import Label
    from pipeline.events_file import Event
    from pipeline.panel import Panel, Row
    from pipeline.web.annotation import Annotation

JPEG_URL = "data:image/jpeg;base64,"
JPEG_QUALITY = 80
"""Quality of live pictures, 0..100."""


def picture_url(image: np.ndarray) -> str:
    """Encode a picture, uint8 [H, W, 3] BGR, as a data URL, which leaves no file on the disk."""
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return JPEG_URL + base64.b64encode(jpeg.tobytes()).decode()


def read_call(sent: object) -> tuple[str, str]:
    """Read what the live tab sends: the session's name, and a picture's data URL.

    Raises:
        UserError: it is something else.
    """
    match sent:
        case [str(session), str(url)]:
            return session, url
    raise UserError("that is not what the live tab sends: load the page again")


def read_picture(url: str) -> np.ndarray:
    """Decode a picture from a data URL of `picture_url` or a browser: uint8 [H, W, 3], BGR.

    Raises:
        UserError: it is not a JPEG picture, or too large.
    """
    try:
        jpeg = base64.b64decode(url.removeprefix(JPEG_URL), validate=True)
        with Image.open(BytesIO(jpeg), formats=["JPEG"]) as picture:
            check_size(*picture.size)  # before decoding
            return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[..., ::-1])
    except UserError:
        raise
    except Exception as error:  # damaged pictures make the decoder raise errors of many kinds
        raise UserError("that is not a JPEG picture, or it is too large") from error


def progress(annotation: Annotation, took: float) -> str:
    """The progress of a video, after `took` seconds of work."""
    if not annotation.total:
        return bar(None, f"{format_time(annotation.done)} done")
    share = min(1.0, annotation.done / annotation.total)
    left = took / share - took if share else 0.0
    return bar(share, f"{share:.0%} done, about {left:.0f} s to go")


def waiting(before: int) -> str:
    """The progress of a video that waits for so many others."""
    videos = "another video" if before == 1 else f"{before} other videos"
    return bar(None, f"waiting for {videos}")


def bar(share: float | None, words: str) -> str:
    """A progress bar with a text; without a length if `share` is None."""
    value = "" if share is None else f' value="{share:.3f}"'
    return f'<div class="progress"><progress{value}></progress><span>{escape(words)}</span></div>'


def live_panel(panel: Panel) -> str:
    """Everybody in view, each with what they do or are likely to do, and the last actions."""
    rows = "".join(map(_row, panel.rows)) or '<p class="quiet">Nobody is in view.</p>'
    return f'<div class="people">{rows}</div>{_last_actions(panel)}'


def _row(row: Row) -> str:
    """One person, or two who interact."""
    if row.label is not None:
        kind, does = "named", _likely(row.label, row.score)
    else:
        kind = "unnamed"
        does = "<div>no known action</div>" + "".join(_likely(*likely) for likely in row.likeliest)
    return f'<div class="person {kind}">{_chips(row.people)}<div class="does">{does}</div></div>'


def _likely(label: str, score: float) -> str:
    return f"<div><span>{escape(label)}</span><span>{meter(score)}</span></div>"


def _last_actions(panel: Panel) -> str:
    """The last actions and how long ago they ended, the newest first."""
    if not panel.events:
        return ""
    rows = "".join(
        f"<tr><td>{_chips(event.people)}</td><td>{escape(event.label)}</td>"
        f"<td>{event.ended(panel.time)}</td></tr>"
        for event in panel.events
    )
    return f'<table class="last"><caption>Last actions</caption>{rows}</table>'


def _chips(people: Sequence[int]) -> str:
    """The numbers of people, each on their colour, as on the picture."""
    chips = "".join(
        f'<b style="background: rgb({red} {green} {blue})">{person}</b>'
        for person in people
        for blue, green, red in [person_colour(person)]
    )
    who = escape(name_people("+".join(map(str, people))))
    return f'<span class="chips" role="img" aria-label="{who}">{chips}</span>'


def table(events: Sequence[Event]) -> str:
    """The events as a table, or a line that says that there are none."""
    if not events:
        return '<p class="quiet">No known action was seen.</p>'
    rows = "".join(
        f"<tr><td>{escape(event.label)}</td><td>{escape(name_people(event.who))}</td>"
        f"<td>{format_time(event.start)} – {format_time(event.end)}</td>"
        f"<td>{meter(event.score)}</td></tr>"
        for event in events
    )
    head = "<tr><th>Action</th><th>Who</th><th>When</th><th>Score</th></tr>"
    return f'<table class="events"><thead>{head}</thead><tbody>{rows}</tbody></table>'


def meter(score: float) -> str:
    """A probability as a bar and a number."""
    return (
        f'<span class="meter"><span style="width: {score:.0%}"></span></span>'
        f'<span class="number">{score:.0%}</span>'
    )


def about(labels: Sequence[Label], limits: str) -> str:
    """The actions that can be recognised, and the limits, as Markdown."""
    alone = ", ".join(sorted(label.name for label in labels if label.people == 1))
    pairs = ", ".join(sorted(label.name for label in labels if label.people == 2))
    return f"""### What it can recognise

**One person:** {alone}.

**Two people, to each other:** {pairs}.

{limits}"""
