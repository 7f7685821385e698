"""The newest picture of a live source.

A thread reads every picture when it arrives and keeps only the newest. It reopens a source that
breaks, with growing pauses, until it is stopped.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from typing_extensions import Self

from models.errors import UserError
from pipeline.source import Frame

POLL = 0.05
"""Seconds to wait for a picture before the iteration yields None."""
MAX_SILENCE = 2.0
"""Seconds without a picture after which a source counts as broken: more than a window's length."""
FIRST_PAUSE, MAX_PAUSE = 0.5, 10.0
"""Seconds between attempts to reopen a broken source; each pause is twice the previous one."""


class ConnectionLost(Exception):
    """A source cannot be opened, or gives no more pictures. The message says why."""


class Feed(ABC):
    """One connection to a source. Iterating yields its pictures at their own pace.

    Attributes:
        rate: pictures a second, as the source declares it (Fraction).
        endless: whether the end of the pictures means that the connection is lost. A feed with an
            end, such as a file, starts when it is first iterated over.
    """

    rate = Fraction(30)
    endless = True

    @abstractmethod
    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield pictures, uint8 [H, W, 3], BGR.

        Raises:
            ConnectionLost: the source broke, and may come back.
            UserError: the source is damaged for good.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the source. Can be called more than once."""


class Live:
    """The newest picture of a live source; a `pipeline.source.Source`.

    Iterating yields each `Frame` once, always the newest, and None after each `POLL` seconds
    without one, so that the caller can attend to other things.

    Args:
        connect: opens the source; called again whenever it breaks.
        name: of the source, for messages.
        path: of a file, which no sink may overwrite; None for other sources.

    Attributes:
        width, height: of the first picture, in pixels; all others are fitted to it.
        rate: pictures a second, as the source declares it.
        dropped: number of pictures that were replaced by newer ones before they were taken.

    Raises:
        UserError: the source cannot be opened, or gives no picture.
    """

    has_audio = False
    start = Fraction(0)
    time_base = Fraction(1, 90_000)
    max_seconds = None

    def __init__(self, connect: Callable[[], Feed], name: str, path: Path | None = None):
        self.name = name
        self.path = path
        self.dropped = 0
        self._connect = connect
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._newest: Frame | None = None
        self._interrupted = False
        self._problem: str | None = None
        self._over = False
        self._failure: Exception | None = None
        self._index = -1
        self._pause = FIRST_PAUSE
        self._began = self._last = time.monotonic()
        self._open_first()
        self._thread = threading.Thread(target=self._read, name=name, daemon=True)
        if self._feed.endless:
            self._thread.start()

    def _open_first(self) -> None:
        try:
            self._feed = self._connect()
            self._pictures = iter(self._feed)
            first = next(self._pictures, None)
        except ConnectionLost as lost:
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
            self._thread.join(POLL)

    def stop(self) -> None:
        """End the iteration; safe to call from a signal handler."""
        self._stop.set()

    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    def clock(self) -> float:
        """Seconds since the source started, as in `Frame.time`."""
        return time.monotonic() - self._began

    @property
    def problem(self) -> str | None:
        """One line that says why there is no picture; None while there are pictures."""
        if self._problem is None and time.monotonic() - self._last > MAX_SILENCE:
            return f"{self.name} gives no picture at the moment"
        return self._problem

    def was_interrupted(self) -> bool:
        """Whether the source broke since the last call."""
        with self._changed:
            interrupted, self._interrupted = self._interrupted, False
        return interrupted

    def __iter__(self) -> Iterator[Frame | None]:
        if not self._feed.endless:
            self._began = self._last = time.monotonic()
            self._thread.start()
        while not self._stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._newest or self._over, POLL)
                frame, self._newest = self._newest, None
                over = self._over
            if frame is not None or not over:
                yield frame
            elif self._failure is not None:
                raise self._failure
            else:
                return

    def _read(self) -> None:
        """Keep the newest picture until the end; an error is raised in the iteration."""
        try:
            self._put(self._first)
            while not self._stop.is_set():
                try:
                    self._read_connection()
                    return
                except ConnectionLost as lost:
                    self._feed.close()
                    self._note_problem(f"{self.name} {lost}; trying again in {self._pause:g} s")
                    self._stop.wait(self._pause)
                    self._pause = min(2 * self._pause, MAX_PAUSE)
                    self._pictures = self._reopen()
        except Exception as failure:
            self._failure = failure
        finally:
            self._feed.close()
            with self._changed:
                self._over = True
                self._changed.notify()

    def _read_connection(self) -> None:
        """Keep the newest picture until the end of this connection, or until stopped."""
        for image in self._pictures:
            if self._stop.is_set():
                return
            self._put(image)
            self._pause = FIRST_PAUSE
        if self._feed.endless:
            raise ConnectionLost("has ended")

    def _reopen(self) -> Iterator[np.ndarray]:
        self._feed = self._connect()
        yield from self._feed

    def _put(self, image: np.ndarray) -> None:
        if image.shape[:2] != (self.height, self.width):
            image = fit(image, self.width, self.height)
        with self._changed:
            now = time.monotonic()
            self._interrupted |= now - self._last > MAX_SILENCE
            self._last = now
            self._problem = None
            self._index += 1
            self.dropped += self._newest is not None
            self._newest = Frame(self._index, now - self._began, image)
            self._changed.notify()

    def _note_problem(self, problem: str) -> None:
        with self._changed:
            self._newest = None
            self._interrupted = True
            self._problem = problem


def fit(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale a picture to fit into a size, with black bars where its aspect ratio differs."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    fitted = np.zeros((height, width, 3), np.uint8)
    fitted[top : top + size[1], left : left + size[0]] = cv2.resize(
        image, size, interpolation=cv2.INTER_AREA
    )
    return fitted
