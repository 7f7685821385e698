"""People in one clip: all who were seen, and the one or two whom the clip is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.assignment import assign
from models.pose.oks import oks

THRESHOLD = 0.25
"""Score from which a joint is present: the lowest threshold of the bundled pose models, so that
training sees every joint that is seen live. Joints below the threshold of the model that they come
from have a score of 0 in the files. Annotations by hand have 0, 0.5 or 1."""

MAX_LOST = 0.5
"""Seconds without a pose after which `link` ends a trajectory."""
LINK_TOLERANCE = 3.0
"""Factor on body sizes when `link` compares poses of different frames: people move meanwhile, while
OKS was made for annotators of one picture."""
LINK_OKS = 0.3
"""OKS of two poses above which `link` takes them for the same person."""

Appearances = Sequence[tuple[int, np.ndarray]]
"""Number of a frame, and a pose [17, C] in it."""


@dataclass(frozen=True)
class Trajectory:
    """One person, in the frames in which they were seen.

    Attributes:
        frames: numbers of these frames, int64 [N], ascending, N > 0.
        keypoints: x and y in pixels and score, float32 [N, 17, 3], zero where a joint is absent.
        space: x to the right, y down and z away from the camera in metres, and score, float32
            [N, 17, 4], zero where a joint is absent; None if the person was seen in 2D only.
        scene: number of the scene. A cut begins a new one.
    """

    frames: np.ndarray
    keypoints: np.ndarray
    space: np.ndarray | None = None
    scene: int = 0


@dataclass(frozen=True)
class Recording:
    """Everybody who was seen in a clip.

    Attributes:
        times: time of each frame, float64 [F], seconds, ascending.
        size: width and height of the picture, in pixels.
        people: in any order.
        problem: one clause about damage in the file, or None.
    """

    times: np.ndarray
    size: tuple[int, int]
    people: list[Trajectory]
    problem: str | None = None


@dataclass(frozen=True)
class Skeletons:
    """The people whom a clip is about, the most prominent first.

    Attributes:
        times: time of each frame, float64 [F], seconds, ascending.
        size: width and height of the picture, in pixels.
        keypoints: x and y in pixels and score, float32 [P, F, 17, 3], P = 0, 1 or 2, all zero where
            a joint or a person is absent.
        space: likewise x to the right, y down, z away in metres, and score, float32 [P, F, 17, 4];
            None if the clip is in 2D only.
        found: number of people who were seen in the clip.
        near: share of the frames that show both people in which they are near each other, as they
            are in an interaction; 0 for one person.
        problem: one clause about damage in the file, or None.
    """

    times: np.ndarray
    size: tuple[int, int]
    keypoints: np.ndarray
    space: np.ndarray | None = None
    found: int = 0
    near: float = 0.0
    problem: str | None = None

    @property
    def seen(self) -> np.ndarray:
        """Whether each person has any joint in each frame, bool [P, F]."""
        return self.keypoints[..., 2].any(axis=-1)

    @property
    def followed(self) -> np.ndarray:
        """Share of the frames in which each person has any joint, [P]."""
        return self.seen.mean(axis=1)

    @property
    def step(self) -> float:
        """Seconds from one frame to the next, the median; 0 for a single frame."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0

    def take(self, people: int) -> "Skeletons":
        """Return the first people alone, from the first frame that shows any of them to the last.

        Args:
            people: how many. At least one of them must be seen.
        """
        shown = np.flatnonzero(self.seen[:people].any(axis=0))
        kept = slice(shown[0], shown[-1] + 1)
        space = None if self.space is None else self.space[:people, kept]
        return replace(
            self, times=self.times[kept], keypoints=self.keypoints[:people, kept], space=space
        )


def present_only(keypoints: np.ndarray, threshold: float = THRESHOLD) -> np.ndarray:
    """Set joints to zero that are not present.

    Args:
        keypoints: [..., C]; the last channel is the score.
        threshold: joints with a lower score are not present, nor are those that are not finite.

    Returns:
        float32 [..., C], with scores of at most 1.
    """
    keypoints = np.array(keypoints, np.float32)
    present = np.isfinite(keypoints).all(axis=-1) & (keypoints[..., -1] >= threshold)
    keypoints[~present] = 0
    np.minimum(keypoints[..., -1], 1, out=keypoints[..., -1])
    return keypoints


def trajectories(people: Mapping[Any, Appearances]) -> list[Trajectory]:
    """Make a trajectory of each person's poses [17, 3]; poses without any joint are left out.

    Args:
        people: the poses of each person, in the order of their frames.
    """
    found = []
    for appearances in people.values():
        seen = [(frame, pose) for frame, pose in appearances if pose[:, -1].any()]
        if seen:
            frames, poses = zip(*seen, strict=True)
            found.append(Trajectory(np.array(frames, np.int64), np.array(poses, np.float32)))
    return found


def link(times: np.ndarray, poses: Sequence[np.ndarray]) -> list[Trajectory]:
    """Follow people through frames whose poses have no identities.

    In each frame, poses and people are matched so that the sum of their object keypoint
    similarities (OKS) is largest. A person is lost after `MAX_LOST` seconds.

    Args:
        times: [F], seconds.
        poses: of each frame, [P, 17, 3], all zero where a joint is absent.
    """
    people: dict[int, list[tuple[int, np.ndarray]]] = {}
    followed: list[int] = []
    for frame, here in enumerate(poses):
        followed = [k for k in followed if times[frame] - times[people[k][-1][0]] <= MAX_LOST]
        last = [people[key][-1][1] for key in followed]
        similarity = np.array([_similarity(pose, here) for pose in last])
        similarity = similarity.reshape(len(followed), len(here))
        pairs = assign(similarity)
        same = {j: followed[i] for i, j in pairs if similarity[i, j] > LINK_OKS}
        for index, pose in enumerate(here):
            if not pose[:, 2].any():
                continue
            key = same.get(index, len(people))
            if index not in same:
                followed.append(key)
            people.setdefault(key, []).append((frame, pose))
    return trajectories(people)


def _similarity(pose: np.ndarray, others: np.ndarray) -> np.ndarray:
    """OKS of a pose [17, 3] and others [P, 17, 3] of another frame: [P]."""
    points = pose[pose[:, 2] > 0, :2]
    area = float(np.square(LINK_TOLERANCE * np.ptp(points, axis=0).max()))
    return oks(pose, others, area, np.full(len(others), area), 0.0)


def extent(keypoints: Sequence[np.ndarray]) -> tuple[int, int]:
    """Width and height of the smallest picture that holds all present joints, at least 1 × 1.

    Args:
        keypoints: arrays [..., 3].
    """
    points = [kp[kp[..., 2] > 0][:, :2].max(axis=0) for kp in keypoints if (kp[..., 2] > 0).any()]
    width, height = np.ceil(np.max(points, axis=0)) + 1 if points else (1, 1)
    return max(int(width), 1), max(int(height), 1)
