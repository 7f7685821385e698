"""The window on the screen: the annotated picture, its rate and age, and the keys."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from models.errors import UserError
from pipeline.overlay import draw, mirror, write

if TYPE_CHECKING:  # a window loads no network
    from pipeline.camera.feed import Live
    from pipeline.engine import Result

TITLE = "Action recognition"
QUIT = (ord("q"), 27)  # 27 is Esc
PAUSE = ord(" ")

RECENT = 2.0
"""Seconds over which rate and age are averaged."""


class Screen:
    """A window. It is closed by the mouse, q or Esc, and paused by space.

    Args:
        source: gives the size, the clock, and the number of dropped frames.
        mirrored: whether pictures are mirrored; texts never are.
        keys: actions of further keys.

    Attributes:
        paused: whether the user has paused it.
        closed: whether the user has closed it.

    Raises:
        UserError: there is no screen to show a window on.
    """

    def __init__(self, source: Live, mirrored: bool, keys: Mapping[str, Callable[[], None]]):
        if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
            raise UserError("there is no screen to show a window on: use --headless")
        self.paused = False
        self.closed = False
        self._source = source
        self._mirrored = mirrored
        self._keys = {ord(key): act for key, act in keys.items()}
        self._meter = Meter()
        self._picture = np.zeros((source.height, source.width, 3), np.uint8)
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.resizeWindow(TITLE, source.width, source.height)
        self._show(self._picture, ["one moment"], centred=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        cv2.destroyAllWindows()

    def show(self, result: Result, threshold: float, marks: Sequence[str] = ()) -> None:
        """Show a result.

        Args:
            result: its own picture is not drawn on.
            threshold: the pose model's; joints with a lower score are absent.
            marks: further lines for the corner, such as "recording".
        """
        image, people = result.frame.image, result.people
        if self._mirrored:
            image, people = mirror(image, people)
        else:
            image = image.copy()
        self._picture = draw(image, people, result.actions, threshold)
        self._meter.note(self._source.clock(), result.frame.time)
        self._show(self._picture, [self._meter.text(self._source.dropped), *marks])

    def wait(self) -> None:
        """Handle keys while there is no new picture.

        An interrupted source shows its problem on black: an old picture never passes for live.
        """
        if self.paused:
            self._show(self._picture, ["paused: press space"])
        elif self._source.problem:
            self._show(np.zeros_like(self._picture), [self._source.problem], centred=True)
        self._handle_keys()

    def _show(self, picture: np.ndarray, lines: Sequence[str], centred: bool = False) -> None:
        cv2.imshow(TITLE, write(picture.copy(), lines, centred))
        self._handle_keys()

    def _handle_keys(self) -> None:
        key = cv2.waitKey(1) & 0xFF
        visible = cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1
        if key in QUIT or not visible:
            self.closed = True
        elif key == PAUSE:
            self.paused = not self.paused
        elif key in self._keys:
            self._keys[key]()


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

    def text(self, dropped: int) -> str:
        """One line for the corner."""
        return f"{self.rate:.0f} fps   {1000 * self.age:.0f} ms   {dropped} dropped"
