"""A puppet's body and its kinematics.

An action sets the paths of the puppet's hands, feet and hips, and the angles of its torso. Elbows
and knees follow by inverse kinematics.

Coordinates are (left, up, forward) of a person who faces +forward, in torso lengths. The floor is
at height 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

FPS = 30.0

"""Frames a second of every clip."""

Vector = np.ndarray | Sequence[float]
"""A point or direction in space, [3], or one for each frame, [F, 3]."""

# Upper arm and forearm, thigh and shank; the same proportions as in models.sample.
_ARM, _LEG = (0.646, 0.507), (0.851, 0.854)
# The directions (outward, up, forward) in which joints bend; knees also bend to the leg's front.
_ELBOW, _KNEE = (0.5, -1.0, -0.5), (0.15, 0.0, 0.3)
_LYING = 0.15
"""Height of the lowest shoulder or hip of a body that lies on the floor, torso lengths."""

_EPSILON = 1e-6


@dataclass
class Body:
    """Proportions of one person, in torso lengths.

    Attributes:
        shoulder: from the neck to each shoulder.
        hip: from the middle of the hips to each hip.
        arm: upper arm and forearm, [2].
        leg: thigh and shank, [2].
        head: from the neck to the nose, (left, up, forward), [3].
    """

    shoulder: float
    hip: float
    arm: np.ndarray
    leg: np.ndarray
    head: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Body":
        """Draw a person at random."""
        return cls(
            shoulder=rng.uniform(0.3, 0.45),
            hip=rng.uniform(0.15, 0.3),
            arm=np.array(_ARM) * rng.uniform(0.85, 1.1),
            leg=np.array(_LEG) * rng.uniform(0.85, 1.1),
            head=np.array([0, rng.uniform(0.35, 0.6), rng.uniform(0.0, 0.25)]),
        )


class Puppet:
    """A person who stands still until an action moves them.

    An action changes the arrays below in place. `skeleton` turns them into joints.

    Args:
        seconds: duration.
        rng: source of everything random: the body, the stance and the action.

    Attributes:
        t: times, seconds [F].
        height: of the hips when standing.
        hips: middle of the hips [F, 3].
        lean: angle of the torso forward, radians [F].
        bow: angle of the torso to the right, radians [F].
        twist: angle of the shoulders about the vertical, to the left, radians [F].
        hands: left and right wrist relative to the neck, the midpoint of the shoulders [2, F, 3].
        feet: left and right ankle [2, F, 3]. They do not follow the hips.
        tip: angle by which the whole body has toppled over, radians [F]. It falls about the point
            below its hips, and then lies on the floor.
        heading: direction in which it topples, radians: 0 is forward, pi / 2 to the left.
    """

    def __init__(self, seconds: float, rng: np.random.Generator):
        self.rng, self.seconds = rng, seconds
        self.body = Body.draw(rng)
        self.t = np.arange(round(seconds * FPS)) / FPS
        frames = len(self.t)
        self.height = self.body.leg.sum() * rng.uniform(0.95, 0.995)
        self.hips = np.zeros((frames, 3)) + (0, self.height, 0)
        self.lean = np.full(frames, rng.normal(0.03, 0.05))
        self.bow, self.twist, self.tip = np.zeros((3, frames))
        self.heading = 0.0
        wide, ahead = rng.uniform(0.15, 0.45), rng.normal(0, 0.12)
        self.feet = np.zeros((2, frames, 3)) + [[[wide, 0, ahead]], [[-wide, 0, -ahead]]]
        self.feet += (0, 0.05, 0)
        self.hands = np.zeros((2, frames, 3)) + [[self.at(side, self._rest())] for side in (0, 1)]

    def _rest(self) -> Vector:
        """Draw a position for an idle hand, (outward, up, forward) of its shoulder."""
        rng, kind = self.rng, self.rng.random()
        if kind < 0.8:
            hang = (0.1, -self.body.arm.sum() * rng.uniform(0.95, 0.99), 0.08)
            return rng.normal(hang, (0.06, 0.01, 0.1))
        if kind < 0.9:
            return rng.normal((0.05, -0.85, 0.1), 0.06)  # on the hip
        return rng.normal((-0.15, -0.7, 0.5), 0.1)  # before the body

    @overload
    def draw(self, low: float, high: float) -> float: ...

    @overload
    def draw(self, low: Vector, high: Vector) -> np.ndarray: ...

    def draw(self, low: Vector | float, high: Vector | float) -> np.ndarray | float:
        """Draw uniformly between two numbers or two points."""
        return self.rng.uniform(low, high)

    def at(self, side: int, target: Vector) -> np.ndarray:
        """Convert a hand's position for `hands`.

        Args:
            side: 0 is left, 1 is right.
            target: (outward, up, forward) of the shoulder, [..., 3].

        Returns:
            (left, up, forward) of the neck, [..., 3].
        """
        out = self.body.shoulder + np.asarray(target)[..., :1]
        away = np.concatenate([out, np.asarray(target)[..., 1:]], axis=-1)
        return away * (1 if side == 0 else -1, 1, 1)

    def on_torso(self, side: int, target: Vector) -> np.ndarray:
        """Convert a hand's position as `at` does, but along the torso.

        Only how far the torso leans counts.

        Args:
            side: 0 is left, 1 is right.
            target: (outward, up, forward) of the shoulder as the torso sees it, [3] or [F, 3].

        Returns:
            (left, up, forward) of the neck, [F, 3].
        """
        out, up, ahead = self.at(side, np.zeros((len(self.t), 3)) + target).T
        sin, cos = np.sin(self.lean), np.cos(self.lean)
        return np.stack([out, up * cos - ahead * sin, up * sin + ahead * cos], axis=1)

    def rise(self, start: float, stop: float) -> np.ndarray:
        """Rise from 0 to 1 between two times, [F].

        The profile is that of human reaching, minimum jerk (Flash and Hogan, 1985).
        """
        s = np.clip((self.t - start) / max(stop - start, _EPSILON), 0, 1)
        return s**3 * (10 - 15 * s + 6 * s**2)

    def between(self, start: float, stop: float, ramp: float) -> np.ndarray:
        """Rise to 1 and fall back to 0 within two times, [F]; each ramp takes `ramp` seconds."""
        return self.rise(start, start + ramp) - self.rise(stop - ramp, stop)

    def path(self, *keys: tuple[float, ArrayLike]) -> np.ndarray:
        """Move through keyframes (time, value) by minimum-jerk segments, [F, ...]."""
        (before, start), *rest = keys
        place = np.asarray(start)
        value = np.zeros((len(self.t), *place.shape)) + place
        for time, target in rest:
            weight = self.rise(before, time).reshape(-1, *[1] * place.ndim)
            value, place = value + weight * (np.asarray(target) - place), np.asarray(target)
            before = time
        return value

    def reach(self, side: int, *keys: tuple[float, Vector], back: float | None = None) -> None:
        """Move a hand through keyframes.

        Args:
            side: 0 is left, 1 is right.
            keys: (time, position), where the position is (outward, up, forward) of the shoulder.
            back: time at which the hand is at rest again; None leaves it at the last keyframe.
        """
        rest = self.hands[side, 0]
        begin = max(keys[0][0] - self.draw(0.3, 0.7), 0.0)
        way = [(begin, rest), *((time, self.at(side, target)) for time, target in keys)]
        if back is not None:
            way += [(back - min(0.4, (back - way[-1][0]) / 2), way[-1][1]), (back, rest)]
        self.hands[side] = self.path(*way)

    def walk(self, speed: float, rate: float, lift: float, when: np.ndarray | float = 1.0) -> None:
        """Walk straight ahead with swinging arms.

        Args:
            speed: torso lengths a second.
            rate: strides a second; a stride is two steps.
            lift: how high the feet are lifted, torso lengths.
            when: weight of the walk over time, 0 to 1, [F]; 0 stands still.
        """
        rng, frames = self.rng, len(self.t)
        when = np.ones(frames) * when
        phase = 2 * np.pi * (rate * np.cumsum(when) / FPS + rng.random())
        along = speed * np.cumsum(when) / FPS
        half, arms = speed / (4 * rate), rng.uniform(0.1, 0.6)
        self.hips[:, 2] += along
        self.hips[:, 1] += when * (rng.uniform(0.01, 0.06) * np.cos(2 * phase) - 0.04)
        self.twist += when * rng.uniform(0, 0.15) * np.sin(phase)
        for side, sign in enumerate((1, -1)):
            self.feet[side, :, 2] += along + when * sign * half * np.cos(phase)
            self.feet[side, :, 1] += when * lift * np.clip(-sign * np.sin(phase), 0, 1)
            swing = -when * sign * arms * np.cos(phase)
            self.hands[side, :, 2] += swing
            self.hands[side, :, 1] += 0.3 * swing**2

    def skeleton(self) -> np.ndarray:
        """Compute the COCO-17 joints in space, [F, 17, 3]; eyes and ears are NaN."""
        body, rng = self.body, self.rng
        frames = len(self.t)
        up = np.stack([np.sin(-self.bow), np.cos(self.lean), np.sin(self.lean)], axis=1)
        up[:, 1] *= np.cos(self.bow)
        up /= np.linalg.norm(up, axis=1, keepdims=True)
        hips = self.hips + 0.02 * drift(frames, 3, rng)
        chest = hips + up
        across = np.stack([np.cos(self.twist), 0 * self.twist, -np.sin(self.twist)], axis=1)
        points = np.full((frames, 17, 3), np.nan)
        points[:, 0] = chest + body.head[1] * up + body.head[2] * np.cross(across, up)
        for side, sign in enumerate((1, -1)):
            shoulder, hip = chest + sign * body.shoulder * across, hips + (sign * body.hip, 0, 0)
            wrist = chest + self.hands[side] + 0.03 * drift(frames, 3, rng)
            elbow, wrist = _bend(shoulder, wrist, body.arm, _pole(_ELBOW, sign, rng))
            front = np.cross(_unit(self.feet[side] - hip), (1, 0, 0))
            knee, ankle = _bend(hip, self.feet[side], body.leg, front + _pole(_KNEE, sign, rng))
            for joint, value in zip(
                (5, 7, 9, 11, 13, 15), (shoulder, elbow, wrist, hip, knee, ankle), strict=True
            ):
                points[:, joint + side] = value
        return self._topple(points)

    def _topple(self, points: np.ndarray) -> np.ndarray:
        """Turn joints [F, 17, 3] by `tip`, and lay those who have toppled on the floor."""
        sin, cos = np.sin(self.tip)[:, None], np.cos(self.tip)[:, None]
        towards = np.array([np.sin(self.heading), 0, np.cos(self.heading)])
        ahead = (points - self.hips[:, None] * (1, 0, 1)) @ towards
        height = points[..., 1]
        points = points + ((cos - 1) * ahead + sin * height)[..., None] * towards
        points[..., 1] = cos * height - sin * ahead
        lowest = points[:, [5, 6, 11, 12], 1].min(axis=1, keepdims=True)
        points[..., 1] += sin**6 * (_LYING - lowest)  # late, so that the feet stay on the floor
        return points


def _pole(direction: Vector, sign: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the direction in which a joint bends; `sign` is 1 on the left, -1 on the right."""
    return np.array(direction) * (sign, 1, 1) + rng.normal(0, 0.25, 3)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors [F, 3] to a length of 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _EPSILON)


def _bend(
    root: np.ndarray, end: np.ndarray, bones: np.ndarray, pole: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Solve a limb of two bones by inverse kinematics.

    Args:
        root: shoulder or hip, [F, 3].
        end: where wrist or ankle should be, [F, 3]; out of reach, the limb points towards it.
        bones: lengths of the upper and the lower bone, [2].
        pole: direction in which the middle joint bends, [3] or [F, 3].

    Returns:
        Elbow or knee, and wrist or ankle, [F, 3] each.
    """
    upper, lower = bones
    offset = end - root
    distance = np.linalg.norm(offset, axis=1, keepdims=True)
    way = _unit(offset)
    distance = np.clip(distance, abs(upper - lower) + 0.05, upper + lower - 1e-3)
    along = (upper**2 - lower**2 + distance**2) / (2 * distance)
    side = _unit(pole - (way * pole).sum(axis=1, keepdims=True) * way)
    middle = root + along * way + np.sqrt(np.maximum(upper**2 - along**2, 0)) * side
    return middle, root + distance * way


def drift(frames: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Draw slow noise of unit variance at its knots, [F, width]: people never keep quite still."""
    knots = rng.standard_normal((int(frames / FPS * 1.5) + 4, width))
    place = np.arange(frames) / FPS * 1.5 + rng.random()
    left = place.astype(int)
    weight = (place - left)[:, None]
    weight = weight * weight * (3 - 2 * weight)
    return knots[left] * (1 - weight) + knots[left + 1] * weight


def acting_hands(p: Puppet, both: float) -> list[int]:
    """Draw which hands act: both with probability `both`, otherwise one, mostly the right."""
    return [0, 1] if p.rng.random() < both else [int(p.rng.random() < 0.75)]
