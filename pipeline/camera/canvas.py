"""What is in the window: the annotated picture, words on it, and the panel beside it.

Everything is drawn at the window's resolution, whatever that of the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.camera.sidebar import draw_panel, speed
from pipeline.overlay import RED, draw, mirror, scale, write

if TYPE_CHECKING:  # drawing loads no network
    from pipeline.camera.layout import Layout
    from pipeline.engine import Result
    from pipeline.panel import Panel

WORDS_SIZE = 1.4
"""Font size of hints and messages, in times that of labels."""
HINT_HEIGHT, RECORDING_HEIGHT = 0.07, 0.04
"""Distance of a hint from the picture's lower edge, and of "recording" from its upper one, as
fractions of its height."""


@dataclass(frozen=True)
class View:
    """What is shown of one frame.

    Attributes:
        result: its own picture is not drawn on.
        panel: what is known at that moment.
        threshold: the pose model's; joints with a lower score are absent.
        recording: whether a recording runs.
        words: lines for the middle.
    """

    result: Result
    panel: Panel
    threshold: float
    recording: bool = False
    words: tuple[str, ...] = ()


def compose(
    layout: Layout, view: View | None, message: str | None, mirrored: bool, dropped: int
) -> np.ndarray:
    """Draw the inside of the window.

    Args:
        layout: of the window.
        view: the frame to show; black if None.
        message: a line for the middle, instead of the view's words.
        mirrored: whether the picture is mirrored; texts never are.
        dropped: number of frames that there was no time for.

    Returns:
        uint8 [H, W, 3], BGR, of the layout's size.
    """
    canvas = np.zeros((layout.height, layout.width, 3), np.uint8)
    stage = canvas[:, : layout.stage]
    if view is not None:
        rows = slice(layout.top, layout.top + layout.picture_height)
        columns = slice(layout.left, layout.left + layout.picture_width)
        stage[rows, columns] = _draw_picture(layout, view, mirrored)
        _write_marks(stage[rows], view, speed(view.panel, dropped) if not layout.panel else None)
    words = [message] if message is not None else [] if view is None else view.words
    if words:
        write(stage, words, (layout.stage / 2, layout.height / 2), WORDS_SIZE)
    if layout.panel:
        panel = None if view is None else view.panel
        draw_panel(canvas[:, layout.stage :], panel, dropped, layout.scale)
    return canvas


def _draw_picture(layout: Layout, view: View, mirrored: bool) -> np.ndarray:
    image, people = view.result.frame.image, view.result.people
    if mirrored:
        image, people = mirror(image, people)
    image, people = scale(image, people, layout.picture_width, layout.picture_height)
    return draw(image, people, view.result.actions, view.threshold)


def _write_marks(stage: np.ndarray, view: View, corner: str | None) -> None:
    """Write the hint, whether a recording runs, and a line for the corner."""
    height, width = stage.shape[:2]
    if view.panel.hint:
        write(stage, [view.panel.hint], (width / 2, (1 - HINT_HEIGHT) * height), WORDS_SIZE)
    if view.recording:
        write(stage, ["recording"], (width / 2, RECORDING_HEIGHT * height), back=RED)
    if corner is not None:
        write(stage, [corner])
