"""What people and size cost: frames a second against both, drawn."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from models.errors import UserError
from pipeline.engine import Pipeline
from pipeline.source import Frame
from pipeline.speed.clips import CLIP, CLIP_START, WALKERS, read
from pipeline.speed.timing import median, seconds, use_up


def sweep(pipeline: Pipeline) -> dict[str, dict[int, float]]:
    """Frames a second, decoded frames to results, against people and against the picture's height.

    People are the two walkers of a bundled clip in up to three rows, in a picture of one size;
    heights are those of the bundled clip of two people, scaled.
    """

    def pace(frames: list[Frame]) -> float:
        def once() -> float:
            pipeline.reset()
            return len(frames) / seconds(lambda: use_up(pipeline.run(frames)))

        return median(once, 3)

    walkers = read(WALKERS)
    clip = read(CLIP, CLIP_START, 2.0)
    return {
        "people": {count: pace(crowd(walkers, count)) for count in range(1, 7)},
        "height": {height: pace(scaled(clip, height)) for height in (360, 540, 720, 1080, 1440)},
    }


def crowd(frames: list[Frame], count: int) -> list[Frame]:
    """So many of the walkers, two a row, on black: frames of three rows."""

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
    """The same pictures, so many pixels high."""
    rows, columns = frames[0].image.shape[:2]
    size = round(columns * height / rows), height
    return [replace(frame, image=cv2.resize(frame.image, size)) for frame in frames]


def plot(found: dict[str, dict[int, float]], path: Path) -> None:
    """Draw what `sweep` found.

    Raises:
        UserError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    titles = {"people": "people in the picture", "height": "height of the picture, pixels"}
    for axis, (name, points) in zip(axes, found.items(), strict=True):
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
