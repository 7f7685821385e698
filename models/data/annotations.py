"""Write data sets in PYSKL's annotation format, which PYSKL and MMAction2 read as well.

Every file is COCO-17. Frames are evenly spaced, as its readers take for granted.
"""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from models.data.recording import Skeletons
from models.errors import UserError
from models.sample import interpolate

EVEN = 0.25
"""Largest distance of a frame from its place among evenly spaced ones, in frames."""
MAX_STRETCH = 10
"""How many times more frames a clip may get by being evenly spaced."""
ALL = "all"
"""Name of the split that holds every clip of a written file."""


@dataclass(frozen=True)
class Example:
    """A labelled clip to write.

    Attributes:
        name: identifies the clip within the data set.
        label: name of the class.
        skeletons: the people in it.
        split: name of a split that it is in; None if it is in none but `ALL`.
    """

    name: str
    label: str
    skeletons: Skeletons
    split: str | None = None


def spaced_evenly(skeletons: Skeletons) -> tuple[Skeletons, float]:
    """Give a clip evenly spaced frames.

    A clip whose frames are evenly spaced already is returned as it is. Others, as of a video with a
    variable frame rate or with dropped frames, are interpolated as the live window is, at the
    median rate.

    Returns:
        The clip, and its frames a second.

    Raises:
        UserError: the frames are too far apart from each other.
    """
    times = skeletons.times
    if len(times) < 2:
        raise UserError("it has a single frame")
    mean = (len(times) - 1) / (times[-1] - times[0])
    places = (times - times[0]) * mean
    if np.abs(places - np.arange(len(times))).max() <= EVEN:
        return skeletons, float(mean)
    fps = 1 / skeletons.step
    count = int((times[-1] - times[0]) * fps + 1e-6) + 1
    if count > MAX_STRETCH * len(times):
        raise UserError("its frames are too unevenly spaced")
    grid = times[0] + np.arange(count) / fps

    def sample(people: np.ndarray) -> np.ndarray:
        sampled = [interpolate(times, person, grid, 0.0) for person in people]
        return np.stack([np.where(here[..., None], points, 0) for points, here in sampled])

    space = None if skeletons.space is None else sample(skeletons.space)
    even = replace(skeletons, times=grid, keypoints=sample(skeletons.keypoints), space=space)
    return even, float(fps)


def annotation(example: Example, label: int, spatial: bool = False) -> dict[str, Any]:
    """Make one annotation. Besides PYSKL's keys it has `fps` and `start`.

    `start` is the time of its first frame in the clip, in seconds.

    Args:
        example: the clip.
        label: number of the class.
        spatial: whether to write x, y and z in metres rather than x and y in pixels.

    Raises:
        UserError: as `spaced_evenly`; or there is nothing in space to write.
    """
    skeletons, fps = spaced_evenly(example.skeletons)
    points = skeletons.space if spatial else skeletons.keypoints
    if points is None:
        raise UserError("its joints are in the picture only, not in space")
    width, height = skeletons.size
    return {
        "frame_dir": example.name,
        "label": label,
        "total_frames": points.shape[1],
        "img_shape": (height, width),
        "original_shape": (height, width),
        "keypoint": np.ascontiguousarray(points[..., :-1]),
        "keypoint_score": np.ascontiguousarray(points[..., -1]),
        "fps": fps,
        "start": float(skeletons.times[0]),
    }


def write(
    path: Path,
    annotations: Sequence[dict[str, Any]],
    classes: Sequence[str],
    dataset: str,
    splits: Mapping[str, Sequence[str]] | None = None,
    spatial: bool = False,
) -> None:
    """Write a data set, atomically.

    Args:
        path: of the pickle. Missing folders are made.
        annotations: as `annotation` makes them, at least one.
        classes: class names, in the order of the label numbers.
        dataset: name of the data set.
        splits: the names of the clips in each split, besides `ALL`.
        spatial: whether the coordinates are in space.

    Raises:
        UserError: the file cannot be written.
    """
    content = {
        "split": {
            **{split: list(names) for split, names in (splits or {}).items()},
            ALL: [annotation["frame_dir"] for annotation in annotations],
        },
        "annotations": list(annotations),
        "layout": "coco17",
        "fps": float(np.median([annotation["fps"] for annotation in annotations])),
        "classes": list(classes),
        "dataset": dataset,
    }
    if spatial:
        content["axes"] = "right down away"
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Later protocols build arrays by functions that restricted readers, as ours, do not know.
        unfinished.write_bytes(pickle.dumps(content, protocol=4))
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
