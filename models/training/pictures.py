"""Pictures of an evaluation: its confusion matrix, and the windows that were named wrongly."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.data.windows import Window
from models.errors import UserError
from models.sample import STEPS
from models.skeleton import BONES
from models.training.evaluation import Evaluation, Mistake

_MOMENTS = 8
"""Moments of a window that are drawn."""

_COLOURS = ("tab:blue", "tab:orange")
"""One for each person."""


def draw_confusion(evaluation: Evaluation, path: str | Path) -> None:
    """Draw the confusion matrix.

    Args:
        evaluation: the evaluation.
        path: picture to write; its suffix is the format.

    Raises:
        UserError: the picture cannot be written.
    """
    labels, confusion = evaluation.labels, evaluation.confusion
    size = 2 + 0.3 * len(labels)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(confusion / confusion.sum(axis=1, keepdims=True).clip(1), cmap="Blues")
    ticks = range(len(labels))
    axes.set_xticks(ticks, labels, rotation=90)
    axes.set_yticks(ticks, labels)
    title = f"top-1 {evaluation.figures['top-1']:.1%}"
    axes.set(xlabel="prediction", ylabel="true label", title=title)
    for row, column in np.argwhere(confusion):
        axes.text(column, row, confusion[row, column], ha="center", va="center", size=6)
    _save(figure, path)


def draw_mistakes(mistakes: Sequence[Mistake], path: str | Path, count: int = 12) -> None:
    """Draw the skeletons of the surest mistakes, a row each, from left to right in time.

    Args:
        mistakes: windows that were named wrongly; only the first one of each pair of labels.
        path: picture to write; its suffix is the format.
        count: rows at most.

    Raises:
        UserError: there are no mistakes, or the picture cannot be written.
    """
    first = {(mistake.label, mistake.answer): mistake for mistake in reversed(mistakes)}
    chosen = sorted(first.values(), key=lambda mistake: -mistake.probability)[:count]
    if not chosen:
        raise UserError(f"there are no mistakes to draw to {path}")
    figure = Figure(figsize=(10, 1.1 * len(chosen)), layout="constrained")
    rows = figure.subplots(len(chosen), squeeze=False)[:, 0]
    for axes, mistake in zip(rows, chosen, strict=True):
        _draw_window(axes, mistake.window)
        title = f"{mistake.label}, taken for {mistake.answer} ({mistake.probability:.0%})"
        axes.set_title(title, loc="left", size=8)
    _save(figure, path)


def _draw_window(axes: Axes, window: Window) -> None:
    """Draw some moments of a window side by side; absent joints are left out."""
    joints = np.where(window[1][..., None], window[0], np.nan)  # [2, 64, 17, 2]
    width = 1.2 * np.nanmax(np.nanmax(joints[..., 0], axis=(0, 2)) - np.nanmin(joints[..., 0]))
    for place, step in enumerate(np.linspace(0, STEPS - 1, _MOMENTS).astype(int)):
        for person, colour in zip(joints[:, step], _COLOURS, strict=True):
            for bone in BONES:
                x, y = person[list(bone)].T
                axes.plot(x + place * width, y, color=colour, linewidth=1)
    axes.set_aspect("equal", anchor="W")
    axes.invert_yaxis()
    axes.axis("off")


def _save(figure: Figure, path: str | Path) -> None:
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot draw {path}: {error}") from error
