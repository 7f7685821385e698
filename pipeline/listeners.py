"""Calls back when an action begins and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.events import Event, Events

if TYPE_CHECKING:
    from pipeline.classify import Action

Callback = Callable[[Event], None]


@dataclass(frozen=True)
class _Listener:
    """Who is called, of which label; of any if None."""

    label: str | None
    start: Callback | None
    end: Callback | None


class Listeners:
    """Knows which actions go on, and tells of the first and the last moment of each.

    An action that is missing for less than `pipeline.events.MAX_GAP` seconds goes on.
    """

    def __init__(self) -> None:
        self._listeners: list[_Listener] = []
        self._events = Events(keep=0)
        self._going: dict[int, Event] = {}
        self._time = 0.0

    def add(self, label: str | None, start: Callback | None, end: Callback | None) -> None:
        """Add callbacks; see `Pipeline.on`."""
        self._listeners.append(_Listener(label, start, end))

    def update(self, time: float, actions: Sequence[Action]) -> None:
        """Take the actions at a time, in seconds, and call back."""
        if not self._listeners:
            return
        self._time = time
        self._events.update(time, actions)
        now = {id(event): event for event in self._events.going}
        for key, event in now.items():
            if key not in self._going:
                self._tell(event, started=True)
        self._forget(now)

    def reset(self) -> None:
        """End everything, as after a cut or an interrupted stream."""
        for event in self._going.values():
            event.end = self._time if event.end is None else event.end
        self._events = Events(keep=0)
        self._forget({})

    def _forget(self, now: dict[int, Event]) -> None:
        ended = [event for key, event in self._going.items() if key not in now]
        self._going = now
        for event in ended:
            self._tell(event, started=False)

    def _tell(self, event: Event, started: bool) -> None:
        for listener in self._listeners:
            call = listener.start if started else listener.end
            if call is not None and listener.label in (None, event.label):
                call(event)
