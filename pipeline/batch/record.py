"""What is known of a video that is done: a file beside its results, written after them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter, ValidationError

from pipeline.batch.places import digest, exists, fetched, is_remote, join, read, version
from pipeline.batch.videos import ANNOTATED, Video
from pipeline.events_file import Event

EVENTS, LINES, DONE = ".events.csv", ".jsonl", ".done.json"
"""Ends of the names of results, after the whole name of the video; `ANNOTATED` is another."""


@dataclass(frozen=True)
class Record:
    """What is known of a video that is done.

    Attributes:
        fingerprint: of the settings, the weights and the code.
        version: of the input when it was read (`places.version`).
        sha256: of the input.
        seconds: of the video that were processed.
        work: seconds that this took.
        people: number of people who were followed.
        outputs: ends of the names of its results.
        events: all of them.
        problem: damage of the video, or None.
        note: what else was wrong, such as sound that could not be copied, or None.
    """

    fingerprint: str
    version: str
    sha256: str
    seconds: float
    work: float
    people: int
    outputs: tuple[str, ...]
    events: tuple[Event, ...]
    problem: str | None = None
    note: str | None = None

    def dump(self) -> bytes:
        """The record as JSON."""
        return (json.dumps(asdict(self), indent=1) + "\n").encode()


_RECORD = TypeAdapter(Record)


def outputs(video: bool) -> tuple[str, ...]:
    """Ends of the names of the results of each video."""
    return (EVENTS, LINES, *((ANNOTATED,) if video else ()))


def target(video: Video, out: str | None) -> str:
    """The place of a video's results, without the ends of their names.

    Args:
        video: that they are of.
        out: the folder of all results; beside the video if None.
    """
    return video.place if out is None else join(out, video.name)


def find_record(video: Video, place: str, fingerprint: str) -> Record | None:
    """Return the record of a video, or None if it is not done, or something has changed.

    Args:
        video: to be done.
        place: of its results, without the ends of their names.
        fingerprint: of the settings, the weights and the code.

    Raises:
        UserError: as `pipeline.batch.places`.
    """
    content = read(place + DONE)
    if content is None:
        return None
    try:
        record = _RECORD.validate_json(content)
    except ValidationError:  # somebody else's, or of another version
        return None
    if record.fingerprint != fingerprint or not all(exists(place + o) for o in record.outputs):
        return None
    return record if _is_unchanged(video, record) else None


def _is_unchanged(video: Video, record: Record) -> bool:
    if record.version == version(video.place):
        return True
    if is_remote(video.place):  # it would have to be fetched
        return False
    with fetched(video.place) as path:
        return digest(path) == record.sha256
