"""Events: a label of the same people over time, put together from the actions of each frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.classify import Action

MAX_GAP = 0.5
"""Seconds for which a label may be missing within one event."""


@dataclass
class Event:
    """A label over consecutive frames; times in seconds.

    Attributes:
        people: one or two ids, ascending.
        label: of the action.
        start: the first time with the label.
        end: the first time without the label; None while it is there.
        total: sum of the probabilities.
        frames: number of frames with the label.
    """

    people: tuple[int, ...]
    label: str
    start: float
    end: float | None = None
    total: float = 0.0
    frames: int = 0

    @property
    def score(self) -> float:
        """Mean probability over the frames with the label."""
        return self.total / self.frames

    def ended(self, now: float) -> str:
        """How long before `now` it ended, in words."""
        if self.end is None:
            return "now"
        ago = int(now - self.end)
        return f"{ago} s ago" if ago < 60 else f"{ago // 60} min ago"

    def add_frame(self, score: float) -> None:
        """Take the probability in the next frame with the label."""
        self.end = None
        self.total += score
        self.frames += 1


class Events:
    """Puts events together.

    A label that is missing for less than `MAX_GAP` seconds is still the same event, unless the same
    people have another label meanwhile.

    Args:
        keep: number of the last events to remember; all if None.

    Attributes:
        log: the events in the order of their starts.
    """

    def __init__(self, keep: int | None = None):
        self.log: deque[Event] = deque(maxlen=keep)
        self._open: dict[tuple[int, ...], Event] = {}

    @property
    def going(self) -> list[Event]:
        """The events that have not ended, or may still go on."""
        return list(self._open.values())

    def update(self, time: float, actions: Sequence[Action]) -> None:
        """Add the actions at a time, in seconds, later than the previous one."""
        shown = {
            tuple(sorted(a.people)): (a.label, a.score) for a in actions if a.label is not None
        }
        for people, event in list(self._open.items()):
            if people in shown and shown[people][0] == event.label:
                continue
            event.end = time if event.end is None else event.end
            if people in shown or time - event.end >= MAX_GAP:
                del self._open[people]
        for people, (label, score) in shown.items():
            if people not in self._open:
                self._open[people] = Event(people, label, time)
                self.log.append(self._open[people])
            self._open[people].add_frame(float(score))
