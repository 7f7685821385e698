"""Frames a second against the number of people and the size of the picture."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from models.errors import UserError
from pipeline.engine import Pipeline
from pipeline.source import Frame
from pipeline.speed.clips import CLIP, CLIP_START, WALKERS, read
from pipeline.speed.throughput import decoded

ROUNDS = 3
"""Measured rounds for each point of the plot."""


def sweep(pipeline: Pipeline) -> dict[str, dict[int, float]]:
    """Measure frames a second, decoded frames to results.

    Returns:
        "people": by number of people, 1 to 6, in pictures of one size (see `crowd`).
        "height": by height of the picture in pixels, with the two people of a bundled clip.
    """
    walkers = read(WALKERS)
    clip = read(CLIP, CLIP_START, 2.0)

    def of_crowd(count: int) -> float:
        return decoded(pipeline, crowd(walkers, count), ROUNDS)

    def of_height(height: int) -> float:
        return decoded(pipeline, scaled(clip, height), ROUNDS)

    return {
        "people": {count: of_crowd(count) for count in range(1, 7)},
        "height": {height: of_height(height) for height in (360, 540, 720, 1080, 1440)},
    }


def crowd(frames: list[Frame], count: int) -> list[Frame]:
    """Arrange copies of the two walkers on black: `count` of them in three rows of two."""

    def stacked(image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        picture = np.zeros((3 * height, width, 3), np.uint8)
        for number in range(count):
            row, side = divmod(number, 2)
            columns = slice(side * width // 2, (side + 1) * width // 2)
            picture[row * height : (row + 1) * height, columns] = image[:, columns]
        return picture

    return [replace(frame, image=stacked(frame.image)) for frame in frames]


def scaled(frames: list[Frame], height: int) -> list[Frame]:
    """Scale frames to a height in pixels, with their aspect ratio kept."""
    rows, columns = frames[0].image.shape[:2]
    size = round(columns * height / rows), height
    return [replace(frame, image=cv2.resize(frame.image, size)) for frame in frames]


def plot(rates: dict[str, dict[int, float]], path: Path) -> None:
    """Draw what `sweep` measured.

    Raises:
        UserError: the file cannot be written.
    """
    from matplotlib.figure import Figure  # takes a second that other figures do without

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    titles = {"people": "people in the picture", "height": "height of the picture, pixels"}
    for axis, (name, points) in zip(axes, rates.items(), strict=True):
        axis.plot(list(points), list(points.values()), "o-", color="#0072b2")
        axis.set_xlabel(titles[name])
        axis.set_xticks(list(points))
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("frames/s")
    try:
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write {path}: {error}") from error
