"""Pictures as they happen: the newest of a live source, and none older.

A thread takes every picture as it comes and keeps the newest only. What breaks is opened again,
with growing pauses, for as long as somebody looks.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from models.errors import UserError
from pipeline.source import Frame

WAITING = 0.05
"""Seconds after which who waits for a picture is told that there is none yet."""
SILENCE = 2.0
"""Seconds without a picture from which a source counts as broken: more than a window's length."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds from one attempt to open a broken source to the next; each pause is twice the last."""


class Lost(Exception):
    """A source cannot be opened, or gives no more pictures; the message says why."""


class Feed(ABC):
    """One connection to a source, whose pictures come at their own pace when iterated over.

    Attributes:
        rate: pictures a second, as it says itself (Fraction).
        endless: whether an end is a failure. If not, it waits to be watched before it begins.
    """

    rate = Fraction(30)
    endless = True

    @abstractmethod
    def __iter__(self) -> Iterator[np.ndarray]:
        """Pictures, uint8 [H, W, 3], BGR.

        Raises:
            Lost: it broke, and may come back.
            UserError: it is damaged for good.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held; it may have been let go of before."""


class Live:
    """The newest picture of a source, while it is new.

    Iterating gives a `Frame`, or None each time that there was none for `WAITING` seconds, so that
    the caller can attend to other things. Sinks take it as they take a `VideoFile`.

    Args:
        connect: opens the source; called again whenever it broke.
        name: of the source, for messages.
        path: the file that it is, which no sink may overwrite.

    Attributes:
        width, height: of all pictures, in pixels: those of the first one.
        rate: pictures a second, as the source says.
        dropped: how many pictures nobody had time for.

    Raises:
        UserError: the source cannot be opened, or gives no picture.
    """

    has_audio = False
    start = Fraction(0)
    time_base = Fraction(1, 90_000)
    duration = frames = max_seconds = None

    def __init__(self, connect: Callable[[], Feed], name: str, path: Path | None = None):
        self.name = name
        self.path = path
        self.dropped = 0
        self._connect = connect
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._newest: Frame | None = None
        self._broken = False
        self._trouble: str | None = None
        self._over = False
        self._failure: Exception | None = None
        self._index = -1
        self._began = self._last = time.monotonic()
        self._open_first()
        self._thread = threading.Thread(target=self._grab, name=name, daemon=True)
        if self._feed.endless:
            self._thread.start()

    def _open_first(self) -> None:
        try:
            self._feed = self._connect()
            self._pictures = iter(self._feed)
            first = next(self._pictures, None)
        except Lost as lost:
            raise UserError(f"{self.name} {lost}") from lost
        if first is None:
            raise UserError(f"{self.name} gives no picture")
        self.rate = self._feed.rate
        self.height, self.width = first.shape[:2]
        self._first = first

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._thread.is_alive():
            self._thread.join(WAITING)

    def stop(self) -> None:
        """End the iteration; safe to call from a signal handler."""
        self._stop.set()

    def clock(self) -> float:
        """Seconds since the source began: the time that `Frame.time` is on."""
        return time.monotonic() - self._began

    @property
    def problem(self) -> str | None:
        """One line on why there is no picture, while there is none."""
        if self._trouble is None and time.monotonic() - self._last > SILENCE:
            return f"{self.name} gives no picture at the moment"
        return self._trouble

    def was_broken(self) -> bool:
        """Whether pictures were missed because the source broke, since this was last asked."""
        with self._changed:
            broken, self._broken = self._broken, False
        return broken

    def __iter__(self) -> Iterator[Frame | None]:
        if not self._feed.endless:
            self._began = self._last = time.monotonic()
            self._thread.start()
        while not self._stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._newest or self._over, WAITING)
                frame, self._newest = self._newest, None
                over = self._over
            if frame is not None or not over:
                yield frame
            elif self._failure is not None:
                raise self._failure
            else:
                return

    def _grab(self) -> None:
        """Keep the newest picture, until the end; what the thread cannot mend, the caller gets."""
        pause = FIRST_PAUSE
        try:
            self._put(self._first)
            while not self._stop.is_set():
                try:
                    for image in self._pictures:
                        if self._stop.is_set():
                            return
                        self._put(image)
                        pause = FIRST_PAUSE
                    if not self._feed.endless:
                        return
                    raise Lost("has ended")
                except Lost as lost:
                    self._feed.close()
                    self._miss(f"{self.name} {lost}; trying again in {pause:g} s")
                    self._stop.wait(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                    self._pictures = self._reopened()
        except Exception as failure:
            self._failure = failure
        finally:
            self._feed.close()
            with self._changed:
                self._over = True
                self._changed.notify()

    def _reopened(self) -> Iterator[np.ndarray]:
        self._feed = self._connect()
        yield from self._feed

    def _put(self, image: np.ndarray) -> None:
        if image.shape[:2] != (self.height, self.width):
            image = fit(image, self.width, self.height)
        with self._changed:
            now = time.monotonic()
            self._broken |= now - self._last > SILENCE
            self._last = now
            self._trouble = None
            self._index += 1
            self.dropped += self._newest is not None
            self._newest = Frame(self._index, now - self._began, image)
            self._changed.notify()

    def _miss(self, trouble: str) -> None:
        with self._changed:
            self._newest = None
            self._broken = True
            self._trouble = trouble


def fit(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale a picture to a size, with black rims where its shape is another."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    fitted = np.zeros((height, width, 3), np.uint8)
    fitted[top : top + size[1], left : left + size[0]] = cv2.resize(
        image, size, interpolation=cv2.INTER_AREA
    )
    return fitted
