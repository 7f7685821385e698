"""MediaPipe's pose landmarks as JSON: 33 a person, normalised by the picture's width and height.

MediaPipe writes no files itself, so what people write from its results is read: a list with an
element a frame, or an object with such a list under `frames` and, optionally, `fps`, `width` and
`height`. A frame is the result of the Pose Landmarker (`landmarks`, in Python `pose_landmarks`: a
list of people), that of the older Pose solution (`poseLandmarks`, `pose_landmarks`: one person; or
null), or the landmarks alone. One person is a list of 33 objects, or such a list under `landmark`.
A landmark has x, y, and optionally `visibility`. A frame may have a `time` in seconds, or a
`timestamp_ms`.

See ai.google.dev/edge/mediapipe, "Pose landmark detection guide".
"""

from pathlib import Path
from typing import Any

import numpy as np

from models.data.imports.given import Given, checked
from models.data.recording import Recording, link, present_only
from models.errors import UserError
from models.skeleton import LAYOUTS, to_coco

FORM = "a file of MediaPipe's landmarks"
_KEYS = ("landmarks", "pose_landmarks", "poseLandmarks", "landmark")
_COUNT = len(LAYOUTS["mediapipe33"])


def matches(content: Any) -> bool:
    """Whether the content of a JSON file looks like MediaPipe's."""
    if isinstance(content, dict):
        return "frames" in content
    if not isinstance(content, list) or not content:
        return False
    first: Any = next(filter(None, content), [])
    return isinstance(first, list) or (
        isinstance(first, dict) and not first.keys().isdisjoint(_KEYS)
    )


def read(path: Path, content: Any, given: Given) -> Recording:
    """Read the content of a file.

    Raises:
        UserError: it is damaged, or neither says how large the picture is nor does the user.
    """
    with checked(path, FORM):
        about = content if isinstance(content, dict) else {}
        frames = about["frames"] if about else content
        if not isinstance(frames, list):
            raise ValueError("frames are a list")
        size = given.size
        if "width" in about and "height" in about:
            size = int(about["width"]), int(about["height"])
        if size is None:
            raise UserError(
                f"{path} does not say how large the picture is: give --size, as 1280x720"
            )
        if min(size) < 1:
            raise ValueError("the picture has no size")
        times = _times(frames, float(about.get("fps", given.fps)))
        poses = [_people(frame, size) for frame in frames]
    return Recording(times, size, link(times, poses))


def _times(frames: list[Any], fps: float) -> np.ndarray:
    """Return the time of each frame in seconds, from the frames if all have one."""
    if not fps > 0:
        raise ValueError("frames a second are more than 0")
    for key, unit in (("time", 1.0), ("timestamp_ms", 1000.0)):
        if frames and all(isinstance(frame, dict) and key in frame for frame in frames):
            times = np.array([float(frame[key]) / unit for frame in frames])
            if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
                raise ValueError("its frames do not follow each other")
            return times
    return np.arange(len(frames)) / fps


def _people(frame: Any, size: tuple[int, int]) -> np.ndarray:
    """Return the people of a frame, [P, 17, 3]."""
    found = _unwrap(frame)
    if found and isinstance(found[0], dict) and "x" in found[0]:
        found = [found]
    poses = [_pose(_unwrap(person), size) for person in found]
    return np.array(poses, np.float32).reshape(-1, 17, 3)


def _unwrap(value: Any) -> list[Any]:
    """Return the list, of landmarks or of people, that may be inside objects."""
    while isinstance(value, dict):
        inside = [value[key] for key in _KEYS if key in value]
        if not inside:
            raise ValueError("a frame has no landmarks")
        value = inside[0]
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError("landmarks are a list")
    return value


def _pose(landmarks: list[Any], size: tuple[int, int]) -> np.ndarray:
    if len(landmarks) != _COUNT:
        raise ValueError(f"{len(landmarks)} landmarks, where a body has {_COUNT}")
    rows = [[mark["x"], mark["y"], mark.get("visibility", 1.0)] for mark in landmarks]
    joints = np.array(rows, np.float64) * (*size, 1)
    return to_coco(present_only(joints), LAYOUTS["mediapipe33"])
