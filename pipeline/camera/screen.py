"""The window on the screen, and its keys."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from typing_extensions import Self

from models.errors import UserError
from pipeline.camera.canvas import View, compose
from pipeline.camera.layout import arrange, opening_size

if TYPE_CHECKING:  # a window loads no network
    from pipeline.camera.feed import Live

TITLE = "Action recognition"
QUIT = (ord("q"), 27)  # 27 is Esc
PAUSE, FULL_SCREEN, HIDE = ord(" "), ord("f"), ord("h")


class Screen:
    """A window: q, Esc or the mouse close it, space pauses, f fills the screen, h hides the panel.

    Everything is drawn at the window's resolution, whatever that of the source.

    Args:
        source: gives the size, and the number of dropped frames.
        mirrored: whether pictures are mirrored; texts never are.
        keys: actions of further keys.
        with_panel: whether there is a panel beside the picture.

    Attributes:
        paused: whether the user has paused it.
        closed: whether the user has closed it.

    Raises:
        UserError: there is no screen to show a window on.
    """

    def __init__(
        self,
        source: Live,
        mirrored: bool,
        keys: Mapping[str, Callable[[], None]],
        with_panel: bool = True,
    ):
        if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
            raise UserError("there is no screen to show a window on: use --headless")
        self.paused = False
        self.closed = False
        self._source = source
        self._mirrored = mirrored
        self._keys = {ord(key): act for key, act in keys.items()}
        self._view: View | None = None
        self._has_panel = self._with_panel = with_panel
        self._place: Sequence[int] = ()
        self._open(*opening_size((source.width, source.height), with_panel))
        self._show(None, "one moment")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        cv2.destroyAllWindows()

    def _open(self, width: int, height: int) -> None:
        # Pictures are made in the window's size; where they are not, for a moment, they are fitted.
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.resizeWindow(TITLE, width, height)
        # A window takes its size when it has shown a picture and handled events.
        cv2.imshow(TITLE, np.zeros((height, width, 3), np.uint8))
        self._handle_keys()

    def show(self, view: View) -> None:
        """Show a frame."""
        self._view = view
        self._show(view)

    def wait(self) -> None:
        """Handle keys while there is no new picture.

        An interrupted source shows its problem on black: an old picture never passes for live.
        """
        if self.paused:
            self._show(self._view, "paused: press space")
        elif self._source.problem:
            self._show(None, self._source.problem)
        else:
            self._handle_keys()

    def _show(self, view: View | None, message: str | None = None) -> None:
        if self.closed:  # showing something would open it again
            return
        place = cv2.getWindowImageRect(TITLE)
        changed, self._place = place != self._place, place
        window = max(1, place[2]), max(1, place[3])  # a minimised window has no size
        layout = arrange(window, (self._source.width, self._source.height), self._with_panel)
        canvas = compose(layout, view, message, self._mirrored, self._source.dropped)
        if changed:
            # In OpenCV's Qt window a picture is never shown larger than it is, and its place is
            # all that is told: after a change, a large one finds out how large the window is.
            canvas = cv2.resize(canvas, None, fx=2, fy=2)
        cv2.imshow(TITLE, canvas)
        self._handle_keys()

    def _handle_keys(self) -> None:
        key = cv2.waitKey(1) & 0xFF
        visible = cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1
        if key in QUIT or not visible:
            self.closed = True
        elif key == PAUSE:
            self.paused = not self.paused
        elif key == HIDE:
            self._with_panel = self._has_panel and not self._with_panel
        elif key == FULL_SCREEN:
            self._toggle_full_screen()
        elif key in self._keys:
            self._keys[key]()

    def _toggle_full_screen(self) -> None:
        full = cv2.getWindowProperty(TITLE, cv2.WND_PROP_FULLSCREEN) == cv2.WINDOW_FULLSCREEN
        state = cv2.WINDOW_NORMAL if full else cv2.WINDOW_FULLSCREEN
        cv2.setWindowProperty(TITLE, cv2.WND_PROP_FULLSCREEN, state)
