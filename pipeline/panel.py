"""The panel beside a live picture, as data: who is in view, what they do, and how fast it goes.

The window on the screen and the web page draw it, each in its own way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.events import Event, Events
from pipeline.hints import Hint, Hints
from pipeline.overlay import Colour, person_colour

if TYPE_CHECKING:
    from pipeline.classify import Action
    from pipeline.engine import Result

LIKELIEST = 2
"""Number of labels that are given for somebody whose action is not named."""
MIN_LIKELY = 0.05
"""Least probability of each of them."""
KEPT_EVENTS = 8
"""Number of the last events that are given."""
RECENT = 2.0
"""Seconds over which rate and age are averaged."""


@dataclass(frozen=True)
class Row:
    """One person, or two who interact.

    Attributes:
        people: one or two ids.
        label: what they do, or None for no known action.
        score: probability of the label; 0 if there is none.
        likeliest: the likeliest labels with their probabilities, of somebody without a label. There
            are none while somebody's action is not yet, or not at all, recognised.
    """

    people: tuple[int, ...]
    label: str | None = None
    score: float = 0.0
    likeliest: tuple[tuple[str, float], ...] = ()

    @property
    def colours(self) -> tuple[Colour, ...]:
        """The colour of each person, as on the picture."""
        return tuple(map(person_colour, self.people))


@dataclass(frozen=True)
class Panel:
    """What is known at one moment.

    Attributes:
        time: of the frame, in seconds from the source's start.
        rows: everybody in view once, in the order of their ids.
        events: the last events, the newest first; one without an end is still going on.
        hint: what to do to be recognised better, or None.
        rate: frames shown a second.
        age: mean time in seconds from taking a frame to showing it.
    """

    time: float
    rows: tuple[Row, ...]
    events: tuple[Event, ...]
    hint: Hint | None
    rate: float
    age: float


class Observer:
    """Makes panels of a live source's results.

    Args:
        labels: names of the classes, in the order of `Action.scores`.
        threshold: the pose model's; joints with a lower score are absent.

    Example:
        >>> observer = Observer(pipeline.labels, pipeline.pose.threshold)
        >>> for frame in source:
        ...     panel = observer.update(pipeline(frame))
        ...     show(panel)
        ...     observer.note_shown(source.clock(), frame.time)
    """

    def __init__(self, labels: Sequence[str], threshold: float):
        self._labels = labels
        self._hints = Hints(threshold)
        self._events = Events(KEPT_EVENTS)
        self._meter = Meter()

    def reset(self) -> None:
        """Note that the source was interrupted. The events until then are kept."""
        self._hints.reset()

    def update(self, result: Result) -> Panel:
        """Take the next result, whose picture must not have been drawn on."""
        frame = result.frame
        self._events.update(frame.time, result.actions)
        return Panel(
            time=frame.time,
            rows=self._rows(result),
            events=tuple(replace(event) for event in reversed(self._events.log)),
            hint=self._hints.update(frame, result.people),
            rate=self._meter.rate,
            age=self._meter.age,
        )

    def note_shown(self, now: float, taken: float) -> None:
        """Count a frame that is shown at `now` and was taken at `taken`, in seconds."""
        self._meter.note(now, taken)

    def _rows(self, result: Result) -> tuple[Row, ...]:
        rows = [self._row(action) for action in result.actions]
        known = {person for row in rows for person in row.people}
        rows += [Row((person.id,)) for person in result.people if person.id not in known]
        return tuple(sorted(rows, key=lambda row: row.people))

    def _row(self, action: Action) -> Row:
        if action.label is not None:
            return Row(action.people, action.label, action.score)
        best = np.argsort(-action.scores)[:LIKELIEST]
        likeliest = ((self._labels[i], float(action.scores[i])) for i in best)
        return Row(action.people, likeliest=tuple(x for x in likeliest if x[1] >= MIN_LIKELY))


class Meter:
    """Rate and age of the frames that are shown."""

    def __init__(self) -> None:
        self._shown: deque[tuple[float, float]] = deque()

    def note(self, now: float, taken: float) -> None:
        """Count a frame that is shown at `now` and was taken at `taken`, in seconds."""
        self._shown.append((now, now - taken))
        while now - self._shown[0][0] > RECENT:
            self._shown.popleft()

    @property
    def rate(self) -> float:
        """Frames shown a second."""
        span = self._shown[-1][0] - self._shown[0][0] if self._shown else 0
        return (len(self._shown) - 1) / span if span else 0.0

    @property
    def age(self) -> float:
        """Mean time in seconds from taking a frame to showing it."""
        return sum(age for _, age in self._shown) / max(1, len(self._shown))
