"""Notices that an action has begun or ended, for other programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from pipeline.engine import Pipeline
    from pipeline.events import Event


class Notice(TypedDict):
    """What is told of the beginning or the end of an action; JSON as it is.

    Attributes:
        event: which of the two.
        label: of the action.
        people: one or two ids, ascending.
        time: of the beginning or the end, in seconds from the source's start.
    """

    event: Literal["start", "end"]
    label: str
    people: list[int]
    time: float


def notify(pipeline: Pipeline, *receivers: Callable[[Notice], None]) -> None:
    """Have receivers get a notice whenever any action begins or ends, as by `Pipeline.on`."""

    def send(notice: Notice) -> None:
        for receive in receivers:
            receive(notice)

    pipeline.on(
        None,
        start=lambda event: send(_notice("start", event, event.start)),
        end=lambda event: send(_notice("end", event, event.end)),
    )


def _notice(kind: Literal["start", "end"], event: Event, time: float | None) -> Notice:
    assert time is not None, "an action that has ended has an end"
    return {
        "event": kind,
        "label": event.label,
        "people": [int(person) for person in event.people],
        "time": round(float(time), 3),
    }
