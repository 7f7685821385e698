"""Takes of one action before the camera: a countdown, the take, and whether it is good enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

from pipeline.camera.canvas import View
from pipeline.camera.keeper import Keeper
from pipeline.camera.watch import attend
from pipeline.engine import Result
from pipeline.panel import Observer

if TYPE_CHECKING:
    from pipeline.camera.feed import Live
    from pipeline.camera.screen import Screen
    from pipeline.engine import TrackingPipeline
    from pipeline.hints import Hint
    from pipeline.person import Person
    from pipeline.source import Frame

COUNTDOWN = 5.0
"""Seconds before a take, in which to step back from the keyboard."""
MAX_GAP = 1.0
"""Seconds without a frame, as in a pause, after which a take is begun anew."""


class _Phase(Enum):
    COUNTDOWN = auto()
    TAKE = auto()
    CHOICE = auto()


class Takes:
    """Takes clips of a label until there are as many as wanted; times are the source's.

    After each take the user keeps it or does it again. Without a user at the keys every take is
    kept in which somebody was in view.

    Args:
        keeper: writes the clips; its clips must be as long as a take.
        count: number of takes to keep.
        seconds: length of a take.
        hands_free: keep takes without a choice.
        report: gets a line at each countdown and each clip.
    """

    def __init__(
        self,
        keeper: Keeper,
        count: int,
        seconds: float,
        hands_free: bool,
        report: Callable[[str], None],
    ):
        self._keeper, self._count, self._seconds = keeper, count, seconds
        self._hands_free, self._report = hands_free, report
        self._last = -math.inf
        self._begin()

    @property
    def are_done(self) -> bool:
        """Whether there are as many as are wanted."""
        return len(self._keeper.saved) >= self._count

    @property
    def taking(self) -> bool:
        """Whether a take is going on."""
        return self._phase is _Phase.TAKE

    @property
    def words(self) -> tuple[str, ...]:
        """What to write on the picture, in lines; nothing during a take."""
        if self.taking or self.are_done:
            return ()
        if self._phase is _Phase.COUNTDOWN:
            left = COUNTDOWN if self._since is None else COUNTDOWN - (self._last - self._since)
            return (f"{self._name} in {max(math.ceil(left), 1)}",)
        return f"{self._name}: k keeps it, d does it again", *self._warnings

    @property
    def _name(self) -> str:
        return f"take {len(self._keeper.saved) + 1} of {self._count}"

    def interrupt(self) -> None:
        """Count down to the take once more, unless it is whole: time went on, unseen."""
        if self._phase is not _Phase.CHOICE:
            self._begin()

    def _begin(self) -> None:
        self._keeper.forget()
        self._phase = _Phase.COUNTDOWN
        self._since: float | None = None
        self._warnings: dict[Hint, None] = {}
        self._seen = False

    def choose_again(self) -> None:
        """Do the last take again; nothing if there is none to choose about."""
        if self._phase is _Phase.CHOICE:
            self._begin()

    def keep(self) -> None:
        """Keep the last take as a clip; nothing if there is none to choose about.

        Raises:
            UserError: it cannot be written.
        """
        if self._phase is _Phase.CHOICE:
            self._keeper.keep()
            self._report(f"wrote {self._keeper.saved[-1]}")
            self._begin()

    def update(self, frame: Frame, people: list[Person], hint: Hint | None) -> None:
        """Take the next frame, whose picture must not have been drawn on, and who is in view.

        Raises:
            UserError: a clip cannot be written.
        """
        if frame.time - self._last > MAX_GAP:
            self.interrupt()
        self._last = frame.time
        if self._since is None:
            self._since = frame.time
            self._report(f"{self._name} begins in {COUNTDOWN:.0f} seconds")
        passed = frame.time - self._since
        if self._phase is _Phase.COUNTDOWN and passed >= COUNTDOWN:
            self._phase, self._since, passed = _Phase.TAKE, frame.time, 0.0
        if self._phase is _Phase.TAKE:
            self._take(frame, people, hint)
            if passed >= self._seconds:
                self._end_take()

    def _take(self, frame: Frame, people: list[Person], hint: Hint | None) -> None:
        self._keeper.write(frame)
        self._seen |= bool(people)
        if hint is not None:
            self._warnings[hint] = None

    def _end_take(self) -> None:
        self._phase = _Phase.CHOICE
        if self._hands_free and self._seen:
            self.keep()
        elif self._hands_free:
            self._report(f"{self._name} shows nobody, and is done again")
            self._begin()


def record(
    pipeline: TrackingPipeline,
    source: Live,
    takes: Takes,
    report: Callable[[str], None],
    screen: Screen | None = None,
) -> None:
    """Record takes until there are enough, or the window is closed, or the source ends.

    Args:
        pipeline: shows who is in view.
        source: stopped when its window is closed.
        takes: what to record.
        report: gets one line when the source breaks, and when it is back.
        screen: shows picture, skeletons and the countdown, if given.

    Raises:
        UserError: a clip cannot be written, or the source is damaged.
    """
    threshold = pipeline.pose.threshold
    observer = Observer([], threshold)

    def forget() -> None:
        pipeline.reset()
        observer.reset()
        takes.interrupt()

    for frame in attend(source, report, forget, screen):
        people = pipeline.track(pipeline.compare(frame)).people
        result = Result(frame, people, [])
        panel = observer.update(result)
        takes.update(frame, people, panel.hint)
        if takes.are_done:
            return
        if screen:
            screen.show(View(result, panel, threshold, takes.taking, takes.words))
            observer.note_shown(source.clock(), frame.time)
