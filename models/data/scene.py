"""People on one clock, and what else they might have done: stand, hold still, go on, flail."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.data.augment import bone_lengths, sway
from models.data.pyskl import Clip
from models.sample import RATE, STEPS, Track
from models.skeleton import FLIP, PARTS

TORSO = PARTS["torso"]

LONG = 2 * STEPS
"""Steps of what goes on for longer than a window."""


@dataclass
class Scene:
    """People on one clock: times [F] in seconds, points [P, F, 17, 3] as `Augmentation` does."""

    times: np.ndarray
    points: np.ndarray

    @classmethod
    def of(cls, clip: Clip) -> "Scene":
        """The clip's people, in torso lengths, NaN where a joint is not seen."""
        points = clip.keypoints.copy()
        points[..., :2] /= clip.unit
        points[points[..., 2] <= 0, :2] = np.nan
        return cls(clip.times, points)

    @property
    def fps(self) -> float:
        """Frames a second, on average."""
        span = self.times[-1] - self.times[0]
        return (len(self.times) - 1) / span if span else RATE

    @property
    def tracks(self) -> list[Track]:
        """The people, as `models.sample` takes them."""
        return [(self.times, person) for person in self.points]


def pad(scene: Scene, before: float, after: float, rng: np.random.Generator) -> Scene:
    """People stand as in the first frame for some seconds, act, and stand as in the last one.

    Half of them let their arms hang while they stand: where a clip was cut must say nothing.
    """
    counts = [int(np.ceil(seconds * scene.fps)) for seconds in (before, after)]
    first, last = scene.points[:, :1], scene.points[:, -1:]
    held = [np.repeat(frame, n, axis=1) for frame, n in zip((first, last), counts, strict=True)]
    if rng.random() < 0.5:
        held = [_rest(held[0], scene.fps, rng), _rest(held[1][:, ::-1], scene.fps, rng)[:, ::-1]]
    points = np.concatenate([held[0], scene.points, held[1]], axis=1)
    times = np.arange(points.shape[1]) / scene.fps - counts[0] / scene.fps + before
    return Scene(times, points)


def precede(scene: Scene, other: Scene, seconds: float, rng: np.random.Generator) -> Scene:
    """The scene after the last seconds of another one, with as many people, done by the same.

    They turn from the one to the other within a quarter of a second or so, where they stand.
    """
    frames = int(np.ceil(seconds * scene.fps))
    past = np.maximum(other.times[-1] - np.arange(frames, 0, -1) / scene.fps, 0)
    before = other.points[:, np.abs(other.times[:, None] - past).argmin(axis=0)].copy()
    first = scene.points[:, 0]
    if len(before) == 2 and _left_to_right(before[:, -1]) != _left_to_right(first):
        before = before[::-1].copy()
    share = np.clip(1 - np.arange(frames, 0, -1) / (rng.uniform(0.15, 0.4) * scene.fps), 0, 1)
    share = (share * share * (3 - 2 * share))[:, None, None].astype(np.float32)
    for past_person, pose in zip(before[..., :2], first[..., :2], strict=True):
        past_person += middle(pose) - middle(past_person[-1])
        past_person += share * np.nan_to_num(pose - past_person)
    points = np.concatenate([before, scene.points], axis=1)
    return Scene(np.arange(points.shape[1]) / scene.fps, points)


def _left_to_right(pair: np.ndarray) -> bool:
    return bool(middle(pair[0])[0] < middle(pair[1])[0])


def _rest(points: np.ndarray, fps: float, rng: np.random.Generator) -> np.ndarray:
    """A held pose [P, F, 17, 3] whose arms hang at first, and rise to where they are at last."""
    points, frames = points.copy(), points.shape[1]
    share = (frames - np.arange(frames)) / (rng.uniform(0.15, 0.5) * fps)
    share = np.clip(share, 0, 1)
    share = share * share * (3 - 2 * share)
    for person in points:
        for limb in ((5, 7, 9), (6, 8, 10)):
            near = _angle_to_hang(person, limb[0], limb[1], rng)
            far = _angle_to_hang(person, limb[1], limb[2], rng)
            _swing(person, limb, share * near, share * (far - near))
    return points


def _angle_to_hang(person: np.ndarray, a: int, b: int, rng: np.random.Generator) -> np.ndarray:
    """Angle, the shorter way round, by which bone a-b of a held pose must turn to hang, [F]."""
    bone = person[:, b, :2] - person[:, a, :2]
    angle = rng.normal(0, 0.12) + np.pi / 2 - np.arctan2(bone[:, 1], bone[:, 0])
    return (angle + np.pi) % (2 * np.pi) - np.pi


def loop(scene: Scene, seconds: float) -> Scene:
    """Make a scene last by going on, after its last frame, where pose and motion were most alike.

    People keep travelling at the speed they have.
    """
    points, fps = scene.points, scene.fps
    frames = points.shape[1]
    shortest = max(round(0.3 * fps), 2)
    if frames < 2 * shortest or scene.times[-1] >= seconds:
        return scene
    middle = np.nanmean(points[:, :, TORSO, :2], axis=2, keepdims=True)
    pose = np.nan_to_num(points[..., :2] - middle)
    motion = np.diff(pose, axis=1) * fps / 5
    candidates = slice(1, frames - shortest)
    unlike = np.square(pose[:, candidates] - pose[:, -1:])
    unlike += np.square(motion[:, : frames - shortest - 1] - motion[:, -1:])
    again = points[:, int(unlike.sum(axis=(0, 2, 3)).argmin()) + 2 :]
    step = (middle[:, -1:] - middle[:, :1]) / (frames - 1)
    shift = np.nan_to_num(step + middle[:, -1:] - middle[:, -again.shape[1], None])
    rounds = int(np.ceil((seconds * fps - frames) / again.shape[1]))
    parts = [points]
    for number in range(1, rounds + 1):
        part = again.copy()
        part[..., :2] += number * shift
        parts.append(part)
    points = np.concatenate(parts, axis=1)
    return Scene(np.arange(points.shape[1]) / fps, points)


def flail(scene: Scene, rng: np.random.Generator) -> Scene:
    """Arms and legs swing as in no action, to and fro or at random, with their bones' lengths."""
    pose = scene.points[0, rng.integers(scene.points.shape[1])]
    points = np.repeat(pose[None], LONG, axis=0)
    times = np.arange(LONG) / RATE
    beat, regular = rng.uniform(0.4, 1.8), rng.random() < 0.5
    alike = rng.choice((-1.0, 1.0, 0.0))  # left and right as in a mirror, in parallel, or neither

    def swing() -> np.ndarray:
        size = rng.uniform(0.3, 1.5)
        if regular:
            return size * np.sin(2 * np.pi * (beat * times + rng.random()))
        return size * sway((LONG,), RATE, rng, 2 * beat)

    for left in ((5, 7, 9), (11, 13, 15)):
        near, far = swing(), swing()
        _swing(points, left, near, far)
        if alike:
            near, far = alike * near, alike * far
        else:
            near, far = swing(), swing()
        _swing(points, [FLIP[joint] for joint in left], near, far)
    points[..., :2] += rng.uniform(0, 0.15) * sway((LONG, 1, 2), RATE, rng, 2 * beat)
    return Scene(times, points[None])


def _swing(points: np.ndarray, limb: Sequence[int], near: np.ndarray, far: np.ndarray) -> None:
    """Turn the near and the far bone of a limb of points [F, 17, 3] by angles [F], in place."""
    root, middle, end = limb
    upper = points[:, middle, :2] - points[:, root, :2]
    lower = points[:, end, :2] - points[:, middle, :2]
    points[:, middle, :2] = points[:, root, :2] + _rotate(upper, near)
    points[:, end, :2] = points[:, middle, :2] + _rotate(lower, near + far)


def _rotate(vectors: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Vectors [F, 2], each turned by its angle."""
    cos, sin = np.cos(angles), np.sin(angles)
    x, y = vectors[:, 0], vectors[:, 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=1)


def freeze(scene: Scene, rng: np.random.Generator) -> Scene:
    """One frame held for the whole window, by people who breathe and sway."""
    frames = LONG
    frame = scene.points[:, rng.integers(scene.points.shape[1])]
    points = np.repeat(frame[:, None], frames, axis=1)
    for person in points:
        body = sway((frames, 1, 2), RATE, rng, rate=1.5) * rng.uniform(0, 0.08)
        joints = sway((frames, points.shape[2], 2), RATE, rng, rate=2.0) * rng.uniform(0, 0.05)
        person[..., :2] += body + joints
    return Scene(np.arange(frames) / RATE, points)


def resample(scene: Scene, times: np.ndarray) -> np.ndarray:
    """The first person's pose [T, 17, 3] in the frame nearest to each of some times [T]."""
    nearest = np.clip(np.round(times * scene.fps).astype(int), 0, len(scene.times) - 1)
    return scene.points[0, nearest]


def middle(points: np.ndarray) -> np.ndarray:
    """Centre of what is seen in a pose, or in a person's poses, [2]."""
    xy = points[..., :2].reshape(-1, 2)
    return np.nan_to_num(np.nanmean(xy, axis=0)) if not np.isnan(xy).all() else xy[0] * 0 + 0


def all_bone_lengths(scenes: Sequence[Scene]) -> np.ndarray:
    """Bone lengths of everybody in the scenes, [K, 17]."""
    return np.stack([bone_lengths(person[..., :2]) for scene in scenes for person in scene.points])
