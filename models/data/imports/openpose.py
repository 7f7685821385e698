"""OpenPose's `--write_json` folders: a file a frame, such as `NAME_000000000000_keypoints.json`.

The format is that of `doc/02_output.md` in CMU-Perceptual-Computing-Lab/openpose: `people`, each
with `pose_keypoints_2d`, a flat list of x, y and score of the 25 joints of BODY_25 or the 18 of
COCO. A folder may hold the frames of several videos, each with a NAME of its own.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from models.data.imports.given import Given, checked, read_json
from models.data.recording import Recording, extent, link, present_only
from models.errors import UserError
from models.skeleton import LAYOUTS, to_coco

FORM = "a frame of OpenPose"
_FRAME = re.compile(r"(.*?)_?(\d+)_keypoints\.json", re.DOTALL)
_LAYOUTS = {len(LAYOUTS[name]): LAYOUTS[name] for name in ("openpose25", "openpose18")}


def video_of(path: Path) -> str | None:
    """Return the name of the video of which a file is a frame, or None if it is none."""
    found = _FRAME.fullmatch(path.name)
    return found[1] if found else None


def frames_of(path: Path) -> list[Path]:
    """Return all frames of the video of which a file is a frame, in order."""
    video = video_of(path)
    return sorted((p for p in path.parent.iterdir() if video_of(p) == video), key=_number)


def _number(path: Path) -> int:
    found = _FRAME.fullmatch(path.name)
    return int(found[2]) if found else 0


def read(path: Path, given: Given) -> Recording:
    """Read all frames of the video of which a file is a frame.

    Raises:
        UserError: a frame cannot be read, or is damaged.
    """
    files = frames_of(path)
    poses = [_read_frame(file) for file in files]
    numbers = np.array([_number(file) for file in files], np.float64)
    if (np.diff(numbers) <= 0).any():
        raise UserError(f"{path.parent} has two frames of one number: {path.name} is one of these")
    times = (numbers - numbers[0]) / given.fps
    return Recording(times, given.size or extent(poses), link(times, poses))


def _read_frame(file: Path) -> np.ndarray:
    """Read the people of a frame, [P, 17, 3]."""
    content = read_json(file)
    with checked(file, FORM):
        poses = [_pose(person["pose_keypoints_2d"]) for person in content["people"]]
    people = np.array(poses, np.float32).reshape(-1, 17, 3)
    if people.any() and np.abs(people[..., :2]).max() <= 1:
        raise UserError(f"{file} has no pixels: run OpenPose with --keypoint_scale 0")
    return people


def _pose(numbers: list[Any]) -> np.ndarray:
    joints = np.array(numbers, np.float64).reshape(-1, 3)
    if len(joints) not in _LAYOUTS:
        raise ValueError(f"{len(joints)} joints, where BODY_25 has 25 and COCO 18")
    return to_coco(present_only(joints), _LAYOUTS[len(joints)])
