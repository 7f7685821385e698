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
from pipeline.web.limits import check_size
from pipeline.web.words import format_time, name_people

if TYPE_CHECKING:
    from models.action.label import Label
    from pipeline.classify import Action
    from pipeline.person import Person
    from pipeline.web.timeline import Event
    from pipeline.web.visitors import Annotation

JPEG_URL = "data:image/jpeg;base64,"
JPEG_QUALITY = 80
"""Quality of live pictures, 0..100."""


def picture_url(image: np.ndarray) -> str:
    """Encode a picture, uint8 [H, W, 3] BGR, as a data URL, which leaves no file on the disk."""
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return JPEG_URL + base64.b64encode(jpeg.tobytes()).decode()


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
    except (ValueError, OSError) as error:
        raise UserError("that is not a JPEG picture") from error


def progress(annotation: Annotation, took: float) -> str:
    """The progress of a video, after `took` seconds of work."""
    if not annotation.total:
        return bar(None, f"{format_time(annotation.done)} done")
    share = min(1.0, annotation.done / annotation.total)
    left = took / share - took if share else 0.0
    return bar(share, f"{share:.0%} done, about {left:.0f} s to go")


def bar(share: float | None, words: str) -> str:
    """A progress bar with a text; without a length if `share` is None."""
    value = "" if share is None else f' value="{share:.3f}"'
    return f'<div class="progress"><progress{value}></progress><span>{escape(words)}</span></div>'


def actions_now(people: Sequence[Person], actions: Sequence[Action]) -> str:
    """The current actions of the people in view."""
    lines = [
        f'<div class="action"><span>{escape(name_people("+".join(map(str, action.people))))}</span>'
        f"<strong>{escape(action.label)}</strong><span>{meter(action.score)}</span></div>"
        for action in actions
        if action.label is not None
    ]
    if not lines:
        words = "No known action at the moment." if people else "Nobody is in view."
        lines = [f'<p class="quiet">{words}</p>']
    return "".join(lines)


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
