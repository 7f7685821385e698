"""NTU RGB+D's `.skeleton` files: Kinect v2's bodies, in space and in the colour picture.

Shahroudy et al., CVPR 2016, and Liu et al., TPAMI 2019. The format is that of
`Matlab/read_skeleton_file.m` in shahroudy/NTURGB-D: a line with the number of frames; for each
frame a line with the number of bodies; for each body a line of ten numbers, the first one its id,
a line with the number of joints, 25, and for each joint a line of twelve numbers: x, y, z in
metres, x and y in the depth picture, x and y in the colour picture, four of the orientation, and
the tracking state, 0 not tracked, 1 inferred, 2 tracked.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from models.data.imports.given import checked
from models.data.recording import Recording, Trajectory, present_only
from models.files import CONFIGS
from models.skeleton import LAYOUTS, to_coco

FORM = "a .skeleton file of NTU RGB+D"
FPS = 30.0
SIZE = (1920, 1080)
"""Of Kinect v2's colour picture."""
SCORES = np.array([0.0, 0.5, 1.0], np.float32)
"""Score of a joint by its tracking state: absent, inferred, tracked."""

_BODY, _JOINT = 10, 12
_COLOUR = slice(5, 7)
_NAME = re.compile(r"S\d{3}C\d{3}P\d{3}R\d{3}A(\d{3})")


def read(path: Path) -> Recording:
    """Read a file.

    Raises:
        UserError: it cannot be read, or is damaged.
    """
    with checked(path, FORM):
        lines = iter(path.read_text(encoding="ascii").splitlines())
        frames = int(next(lines, ""))
        bodies: dict[str, list[tuple[int, np.ndarray]]] = {}
        for frame in range(frames):
            for body, joints in _read_frame(lines):
                bodies.setdefault(body, []).append((frame, joints))
        if any(line.strip() for line in lines):
            raise ValueError("it goes on after its last frame")
        times = np.arange(frames) / FPS
        people = [_trajectory(appearances) for appearances in bodies.values()]
    return Recording(times, SIZE, people)


def _read_frame(lines: Iterator[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Read the id and the joints [25, 12] of each body in the next frame."""
    count = len(LAYOUTS["ntu25"])
    for _ in range(int(next(lines, ""))):
        body = next(lines, "").split()
        joints = int(next(lines, ""))
        rows = [next(lines, "").split() for _ in range(min(joints, count))]
        if len(body) != _BODY or joints != count or any(len(row) != _JOINT for row in rows):
            raise ValueError(f"a body is {_BODY} numbers and {count} joints of {_JOINT} each")
        yield body[0], np.array(rows, np.float64)


def _trajectory(appearances: list[tuple[int, np.ndarray]]) -> Trajectory:
    """Turn a body's frames and joints [25, 12] into a trajectory."""
    frames, joints = zip(*appearances, strict=True)
    rows = np.array(joints)
    state = rows[..., -1].astype(int)
    if not np.isin(state, (0, 1, 2)).all():
        raise ValueError("a tracking state is 0, 1 or 2")
    score = SCORES[state][..., None]
    # Kinect's x points to the picture's left, and its y up.
    metres = rows[..., :3] * (-1, -1, 1)
    score_in_space = np.where(metres.any(axis=-1, keepdims=True), score, 0)

    def coco(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
        return to_coco(present_only(np.concatenate([points, scores], axis=-1)), LAYOUTS["ntu25"])

    keypoints, space = coco(rows[..., _COLOUR], score), coco(metres, score_in_space)
    return Trajectory(np.array(frames, np.int64), keypoints, space)


def label(path: Path) -> str | None:
    """Return the action that a file's name tells, such as `S001C001P001R001A043`, or None."""
    found = _NAME.match(path.name)
    return _classes().get(f"class {int(found[1]) - 1}") if found else None


@cache
def _classes() -> dict[str, str]:
    """Names of the 120 actions, by the name that a class has in PYSKL's files."""
    names: dict[str, str] = json.loads((CONFIGS / "ntu_labels.json").read_text())
    return names
