"""MMPose's predictions as JSON: `inferencer_demo.py --pred-out-dir`, `--save-predictions`.

A list with an object a frame, `frame_id` and `instances`, each with `keypoints`, a list of [x, y],
and `keypoint_scores`. The demos with `--save-predictions` put it under `instance_info`, beside
`meta_info`, which names the joints. MMPose 1.3.2, `mmpose/apis/inferencers` and `demo`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.data.imports.given import Given, checked
from models.data.recording import Recording, extent, link, present_only, trajectories
from models.skeleton import JOINTS, to_coco

FORM = "a file of MMPose's predictions"
_COCO_FIRST = (17, 26, 133)
"""Numbers of joints whose first 17 are COCO's: COCO, Halpe-26, COCO-WholeBody."""


def matches(content: Any) -> bool:
    """Whether the content of a JSON file looks like MMPose's."""
    frames = content.get("instance_info") if isinstance(content, dict) else content
    first = frames[0] if isinstance(frames, list) and frames else None
    return isinstance(first, dict) and "instances" in first


def read(path: Path, content: Any, given: Given) -> Recording:
    """Read the content of a file.

    People keep the `track_id` of their instances, if all have one.

    Raises:
        UserError: it is damaged.
    """
    with checked(path, FORM):
        meta = content.get("meta_info", {}) if isinstance(content, dict) else {}
        frames = content["instance_info"] if isinstance(content, dict) else content
        numbers = np.array([int(frame["frame_id"]) for frame in frames], np.int64)
        if (np.diff(numbers) <= 0).any():
            raise ValueError("its frames do not follow each other")
        instances = [_instances(frame["instances"]) for frame in frames]
        poses = [
            np.array([_pose(instance, meta) for instance in here], np.float32).reshape(-1, 17, 3)
            for here in instances
        ]
        times = (numbers - numbers[0]) / given.fps
        ids = [[instance.get("track_id") for instance in here] for here in instances]
    if any(None in here for here in ids):
        return Recording(times, given.size or extent(poses), link(times, poses))
    tracks: dict[Any, list[tuple[int, np.ndarray]]] = {}
    for frame, (here, people) in enumerate(zip(ids, poses, strict=True)):
        for key, pose in zip(here, people, strict=True):
            tracks.setdefault(str(key), []).append((frame, pose))
    return Recording(times, given.size or extent(poses), trajectories(tracks))


def _instances(found: Any) -> list[dict[str, Any]]:
    """Check the instances of a frame. The inferencer may put them into one more list."""
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], list):
        found = found[0]
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError("instances are a list of objects")
    return found


def _pose(instance: Mapping[str, Any], meta: Mapping[str, Any]) -> np.ndarray:
    points = np.array(instance["keypoints"], np.float64)
    scores = np.array(instance["keypoint_scores"], np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or scores.shape != points.shape[:1]:
        raise ValueError("keypoints are x and y and a score each")
    joints = np.column_stack([points, scores])
    return to_coco(present_only(joints), _names(meta, len(joints)))


def _names(meta: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """Return the names of the joints, from the file or by their number."""
    named = meta.get("keypoint_id2name")
    if named:
        names = [
            str(named[str(index)] if isinstance(named, dict) else named[index])
            for index in range(count)
        ]
        return tuple(name.replace("_", " ") for name in names)
    if count not in _COCO_FIRST:
        raise ValueError(f"{count} joints without names, where COCO has 17")
    return (*JOINTS, *(f"joint {index}" for index in range(len(JOINTS), count)))
