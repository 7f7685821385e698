"""Scenes of people on one clock: filmed, and edited: stand, hold, repeat, flail."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.data.augment import Augmentation, bone_lengths, sway, visible_mean
from models.data.camera import Camera, Cameras
from models.data.pyskl import Clip
from models.sample import RATE, STEPS, Track, torso_length
from models.skeleton import FLIP, PARTS

TORSO = PARTS["torso"]

LONG = 2 * STEPS
"""Steps, at `RATE` a second, of generated motion: longer than a window."""

_ADULT = 0.5
"""Torso length of an adult, metres."""


@dataclass
class Scene:
    """People on one clock.

    Attributes:
        times: time of each frame, [F], seconds.
        points: x and y in torso lengths, NaN where a joint is not visible, and score,
            float32 [P, F, 17, 3]. Of a clip in space, as its own camera saw it.
        space: of a clip in space that has not been filmed, x, y and z in torso lengths, NaN where a
            joint is missing, float32 [P, F, 17, 3].
        camera: the camera that filmed a clip in space; None if it was another one, or none.
        source: name of the data set of a clip.
    """

    times: np.ndarray
    points: np.ndarray
    space: np.ndarray | None = None
    camera: Camera | None = None
    source: str = ""

    @classmethod
    def of(cls, clip: Clip) -> "Scene":
        """Convert a clip: pixels and metres to torso lengths, joints without a score to NaN."""
        points = clip.keypoints.copy()
        points[..., :2] /= clip.unit
        points[points[..., 2] <= 0, :2] = np.nan
        if clip.space is None:
            return cls(clip.times, points, source=clip.source)
        torsos = [torso_length(person) for person in clip.space]
        unit = np.mean([length for length in torsos if length > 0] or [_ADULT])
        return cls(clip.times, points, clip.space / np.float32(unit), source=clip.source)

    def person(self, index: int) -> "Scene":
        """Return the scene with one of its people alone."""
        one, space = slice(index, index + 1), self.space
        return replace(self, points=self.points[one], space=None if space is None else space[one])

    def frames(self, kept: slice) -> "Scene":
        """Return some of the frames."""
        space = None if self.space is None else self.space[:, kept]
        return replace(self, times=self.times[kept], points=self.points[:, kept], space=space)

    @property
    def fps(self) -> float:
        """Average frames a second."""
        span = self.times[-1] - self.times[0]
        return (len(self.times) - 1) / span if span else RATE

    @property
    def tracks(self) -> list[Track]:
        """One track a person, as `models.sample` takes them."""
        return [(self.times, person) for person in self.points]


def film(
    scene: Scene,
    camera: Camera | Cameras,
    augmentation: Augmentation,
    rng: np.random.Generator,
    bodies: np.ndarray | None = None,
) -> Scene:
    """Film a scene in space. Its people get other bodies first, as the augmentation says.

    Args:
        scene: the scene; one in the plane is returned as it is.
        camera: the camera, or those to draw it from. Distances are in torso lengths.
        augmentation: how to change the bodies.
        rng: source of the random choices.
        bodies: bone lengths to draw from, see `Augmentation.change_bodies`.
    """
    if scene.space is None:
        return scene
    if isinstance(camera, Cameras):
        camera = camera.draw(rng)
    people = scene.space.copy()
    augmentation.change_bodies(people, rng, bodies)
    view = camera.project(people)
    seen = ~np.isnan(view[..., :1])
    points = np.concatenate([view, seen], axis=-1, dtype=np.float32)
    return Scene(scene.times, points, camera=camera)


def pad(scene: Scene, before: float, after: float, rng: np.random.Generator) -> Scene:
    """Extend a scene by people who stand still before and after it.

    They keep the pose of the first and of the last frame. In half of the cases they let their arms
    hang meanwhile, so that the pose at which a clip was cut tells nothing about its action.

    Args:
        scene: the scene.
        before: seconds to add before it.
        after: seconds to add after it.
        rng: source of the random choices.
    """
    counts = [int(np.ceil(seconds * scene.fps)) for seconds in (before, after)]
    first, last = scene.points[:, :1], scene.points[:, -1:]
    held = [np.repeat(frame, n, axis=1) for frame, n in zip((first, last), counts, strict=True)]
    if rng.random() < 0.5:
        held = [
            _lower_arms(held[0], scene.fps, rng),
            _lower_arms(held[1][:, ::-1], scene.fps, rng)[:, ::-1],
        ]
    points = np.concatenate([held[0], scene.points, held[1]], axis=1)
    times = np.arange(points.shape[1]) / scene.fps - counts[0] / scene.fps + before
    return Scene(times, points, camera=scene.camera)


def prepend(scene: Scene, other: Scene, seconds: float, rng: np.random.Generator) -> Scene:
    """Put the last seconds of another scene before a scene.

    The people of the other scene, matched from left to right, are moved to where those of the
    scene start. Their last pose blends into the first one within 0.15 to 0.4 seconds.

    Args:
        scene: the scene.
        other: a scene of as many people.
        seconds: how much of it to take.
        rng: draws the time of the transition.
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
        past_person += centre(pose) - centre(past_person[-1])
        past_person += share * np.nan_to_num(pose - past_person)
    points = np.concatenate([before, scene.points], axis=1)
    return Scene(np.arange(points.shape[1]) / scene.fps, points, camera=scene.camera)


def _left_to_right(pair: np.ndarray) -> bool:
    """Whether the first of two poses [2, 17, 3] is to the left of the second."""
    return bool(centre(pair[0])[0] < centre(pair[1])[0])


def _lower_arms(points: np.ndarray, fps: float, rng: np.random.Generator) -> np.ndarray:
    """Let the arms of held poses [P, F, 17, 3] hang at first and rise to their place at the end."""
    points, frames = points.copy(), points.shape[1]
    share = (frames - np.arange(frames)) / (rng.uniform(0.15, 0.5) * fps)
    share = np.clip(share, 0, 1)
    share = share * share * (3 - 2 * share)
    for person in points:
        for limb in ((5, 7, 9), (6, 8, 10)):
            near = _angle_to_hang(person, limb[0], limb[1], rng)
            far = _angle_to_hang(person, limb[1], limb[2], rng)
            _rotate_limb(person, limb, share * near, share * (far - near))
    return points


def _angle_to_hang(person: np.ndarray, a: int, b: int, rng: np.random.Generator) -> np.ndarray:
    """Return the angle, at most half a turn, by which bone a-b must turn to hang, radians [F]."""
    bone = person[:, b, :2] - person[:, a, :2]
    angle = rng.normal(0, 0.12) + np.pi / 2 - np.arctan2(bone[:, 1], bone[:, 0])
    return (angle + np.pi) % (2 * np.pi) - np.pi


def loop(scene: Scene, seconds: float) -> Scene:
    """Extend a scene of repetitive motion to some seconds.

    After its last frame, it continues from the frame with the most similar pose and motion. People
    keep travelling at their average speed. A scene that is long enough, or shorter than 0.6
    seconds, is returned as it is.
    """
    points, fps = scene.points, scene.fps
    frames = points.shape[1]
    shortest = max(round(0.3 * fps), 2)
    if frames < 2 * shortest or scene.times[-1] >= seconds:
        return scene
    torso = visible_mean(points[:, :, TORSO, :2], axis=2)[:, :, None]
    pose = np.nan_to_num(points[..., :2] - torso)
    motion = np.diff(pose, axis=1) * fps / 5
    candidates = slice(1, frames - shortest)
    unlike = np.square(pose[:, candidates] - pose[:, -1:])
    unlike += np.square(motion[:, : frames - shortest - 1] - motion[:, -1:])
    again = points[:, int(unlike.sum(axis=(0, 2, 3)).argmin()) + 2 :]
    step = (torso[:, -1:] - torso[:, :1]) / (frames - 1)
    shift = np.nan_to_num(step + torso[:, -1:] - torso[:, -again.shape[1], None])
    rounds = int(np.ceil((seconds * fps - frames) / again.shape[1]))
    parts = [points]
    for number in range(1, rounds + 1):
        part = again.copy()
        part[..., :2] += number * shift
        parts.append(part)
    points = np.concatenate(parts, axis=1)
    return Scene(np.arange(points.shape[1]) / fps, points, camera=scene.camera)


def flail(scene: Scene, rng: np.random.Generator) -> Scene:
    """Swing the limbs of one pose at random, periodically or not, with bones of constant length.

    Returns:
        A scene of the first person alone, `LONG` steps long.
    """
    pose = scene.points[0, rng.integers(scene.points.shape[1])]
    points = np.repeat(pose[None], LONG, axis=0)
    times = np.arange(LONG) / RATE
    beat, regular = rng.uniform(0.4, 1.8), rng.random() < 0.5
    alike = rng.choice((-1.0, 1.0, 0.0))  # mirrored, in parallel, or independent sides

    def swing() -> np.ndarray:
        """Draw the angle of a bone over time, radians [F]."""
        size = rng.uniform(0.3, 1.5)
        if regular:
            return size * np.sin(2 * np.pi * (beat * times + rng.random()))
        return size * sway((LONG,), RATE, rng, 2 * beat)

    for left in ((5, 7, 9), (11, 13, 15)):
        near, far = swing(), swing()
        _rotate_limb(points, left, near, far)
        if alike:
            near, far = alike * near, alike * far
        else:
            near, far = swing(), swing()
        _rotate_limb(points, [FLIP[joint] for joint in left], near, far)
    points[..., :2] += rng.uniform(0, 0.15) * sway((LONG, 1, 2), RATE, rng, 2 * beat)
    return Scene(times, points[None], camera=scene.camera)


def _rotate_limb(
    points: np.ndarray, limb: Sequence[int], near: np.ndarray, far: np.ndarray
) -> None:
    """Rotate a limb of points [F, 17, 3] in place.

    Args:
        points: poses of one person.
        limb: root, middle and end joint.
        near: angle of the bone from the root, radians [F].
        far: angle of the bone to the end relative to it, radians [F].
    """
    root, middle, end = limb
    upper = points[:, middle, :2] - points[:, root, :2]
    lower = points[:, end, :2] - points[:, middle, :2]
    points[:, middle, :2] = points[:, root, :2] + _rotate(upper, near)
    points[:, end, :2] = points[:, middle, :2] + _rotate(lower, near + far)


def _rotate(vectors: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rotate vectors [F, 2] by angles [F]."""
    cos, sin = np.cos(angles), np.sin(angles)
    x, y = vectors[:, 0], vectors[:, 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=1)


def freeze(scene: Scene, rng: np.random.Generator) -> Scene:
    """Hold one random frame for `LONG` steps, with the sway of people who stand still."""
    frames = LONG
    frame = scene.points[:, rng.integers(scene.points.shape[1])]
    points = np.repeat(frame[:, None], frames, axis=1)
    for person in points:
        body = sway((frames, 1, 2), RATE, rng, rate=1.5) * rng.uniform(0, 0.08)
        joints = sway((frames, points.shape[2], 2), RATE, rng, rate=2.0) * rng.uniform(0, 0.05)
        person[..., :2] += body + joints
    return Scene(np.arange(frames) / RATE, points, camera=scene.camera)


def resample(scene: Scene, times: np.ndarray) -> np.ndarray:
    """Sample the first person's poses [T, 17, 3] at times [T], from the nearest frames."""
    nearest = np.clip(np.round(times * scene.fps).astype(int), 0, len(scene.times) - 1)
    return scene.points[0, nearest]


def centre(points: np.ndarray) -> np.ndarray:
    """Return the mean of the visible joints of a pose or of several, [2]; 0 if none is visible."""
    xy = points[..., :2].reshape(-1, 2)
    return np.nan_to_num(visible_mean(xy, axis=0))


def all_bone_lengths(scenes: Sequence[Scene]) -> np.ndarray:
    """Measure the bone lengths of every person in the scenes, [K, 17], torso lengths."""
    people = (
        person
        for scene in scenes
        for person in (scene.points[..., :2] if scene.space is None else scene.space)
    )
    return np.stack([bone_lengths(person) for person in people])
