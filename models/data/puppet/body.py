"""A puppet that acts out the vocabulary, for views and ways of acting that no clip shows.

Actions are written down as the paths of hands, feet and hips in space, with everything that people
do differently drawn at random: size, speed, side, height, number of repetitions, stance, heading.
Limbs follow by inverse kinematics, and a camera looks from anywhere. Nobody was recorded for it.

Space is (left, up, forward) of a person who faces +forward, in torso lengths; the floor is at 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

FPS = 30.0

Vector = np.ndarray | Sequence[float]

ARM, LEG = (0.646, 0.507), (0.851, 0.854)  # upper arm, forearm; thigh, shank: as in models.sample
_NEAR = 1e-6
_ELBOW, _KNEE = (0.5, -1.0, -0.5), (0.15, 0.0, 1.0)  # (outward, up, forward): where joints bend to


@dataclass
class Body:
    """What is drawn once a person, in torso lengths."""

    shoulder: float
    hip: float
    arm: np.ndarray
    leg: np.ndarray
    head: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Body":
        """Somebody."""
        return cls(
            shoulder=rng.uniform(0.3, 0.45),
            hip=rng.uniform(0.15, 0.3),
            arm=np.array(ARM) * rng.uniform(0.85, 1.1),
            leg=np.array(LEG) * rng.uniform(0.85, 1.1),
            head=np.array([0, rng.uniform(0.35, 0.6), rng.uniform(0.0, 0.25)]),
        )


class Puppet:
    """One person over some seconds, standing still until told otherwise.

    Attributes:
        t: times [F], seconds.
        hips: middle of the hips [F, 3].
        lean, bow, twist: of the torso, radians [F]: forward, to the left, of the shoulders.
        hands: wrists relative to the neck, half-way between the shoulders [2, F, 3] (left, right).
        feet: ankles [2, F, 3]; they stay where they are when the hips move.
    """

    def __init__(self, seconds: float, rng: np.random.Generator):
        self.rng, self.seconds = rng, seconds
        self.body = Body.draw(rng)
        self.t = np.arange(round(seconds * FPS)) / FPS
        frames = len(self.t)
        self.height = self.body.leg.sum() * rng.uniform(0.95, 0.995)
        self.hips = np.zeros((frames, 3)) + (0, self.height, 0)
        self.lean = np.full(frames, rng.normal(0.03, 0.05))
        self.bow, self.twist = np.zeros(frames), np.zeros(frames)
        wide, ahead = rng.uniform(0.15, 0.45), rng.normal(0, 0.12)
        self.feet = np.zeros((2, frames, 3)) + [[[wide, 0, ahead]], [[-wide, 0, -ahead]]]
        self.feet += (0, 0.05, 0)
        self.hands = np.zeros((2, frames, 3)) + [[self.at(side, self._rest())] for side in (0, 1)]

    def _rest(self) -> Vector:
        """Where a hand is that does nothing: mostly it hangs."""
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
        """Something between the two."""
        return self.rng.uniform(low, high)

    def at(self, side: int, target: Vector) -> np.ndarray:
        """A hand's (outward, up, forward) of its shoulder, as (left, up, forward) of the neck."""
        out = self.body.shoulder + np.asarray(target)[..., :1]
        away = np.concatenate([out, np.asarray(target)[..., 1:]], axis=-1)
        return away * (1 if side == 0 else -1, 1, 1)

    def rise(self, start: float, stop: float) -> np.ndarray:
        """From 0 to 1, as hands move from rest to rest (minimum jerk), [F]."""
        s = np.clip((self.t - start) / max(stop - start, _NEAR), 0, 1)
        return s**3 * (10 - 15 * s + 6 * s**2)

    def between(self, start: float, stop: float, ramp: float) -> np.ndarray:
        """1 between the two times, 0 well before and after, [F]."""
        return self.rise(start, start + ramp) - self.rise(stop - ramp, stop)

    def path(self, *keys: tuple[float, ArrayLike]) -> np.ndarray:
        """Through (time, place) in turn, [F, ...]; each is reached at its time."""
        (before, start), *rest = keys
        place = np.asarray(start)
        value = np.zeros((len(self.t), *place.shape)) + place
        for time, target in rest:
            weight = self.rise(before, time).reshape(-1, *[1] * place.ndim)
            value, place = value + weight * (np.asarray(target) - place), np.asarray(target)
            before = time
        return value

    def reach(self, side: int, *keys: tuple[float, Vector], back: float | None = None) -> None:
        """Move a hand through (time, (outward, up, forward)), and back to rest by a time."""
        rest = self.hands[side, 0]
        begin = max(keys[0][0] - self.draw(0.3, 0.7), 0.0)
        way = [(begin, rest), *((time, self.at(side, target)) for time, target in keys)]
        if back is not None:
            way += [(back - min(0.4, (back - way[-1][0]) / 2), way[-1][1]), (back, rest)]
        self.hands[side] = self.path(*way)

    def walk(self, speed: float, rate: float, lift: float, when: np.ndarray | float = 1.0) -> None:
        """Legs walk at `rate` strides a second, arms swing, hips move on where `when` is 1."""
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
        """COCO-17 joints in space, [F, 17, 3]; eyes and ears are not there (NaN)."""
        body, rng = self.body, self.rng
        frames = len(self.t)
        up = np.stack([np.sin(-self.bow), np.cos(self.lean), np.sin(self.lean)], axis=1)
        up[:, 1] *= np.cos(self.bow)
        up /= np.linalg.norm(up, axis=1, keepdims=True)
        hips = self.hips + 0.02 * drift(frames, 3, rng)
        chest = hips + up
        across = np.stack([np.cos(self.twist), 0 * self.twist, -np.sin(self.twist)], axis=1)
        points = np.full((frames, 17, 3), np.nan)
        points[:, 0] = chest + body.head[1] * up + body.head[2] * _turned(across)
        for side, sign in enumerate((1, -1)):
            shoulder, hip = chest + sign * body.shoulder * across, hips + (sign * body.hip, 0, 0)
            wrist = chest + self.hands[side] + 0.03 * drift(frames, 3, rng)
            elbow, wrist = _bend(shoulder, wrist, body.arm, _pole(_ELBOW, sign, rng))
            knee, ankle = _bend(hip, self.feet[side], body.leg, _pole(_KNEE, sign, rng))
            for joint, value in zip(
                (5, 7, 9, 11, 13, 15), (shoulder, elbow, wrist, hip, knee, ankle), strict=True
            ):
                points[:, joint + side] = value
        return points


def _pole(direction: Vector, sign: int, rng: np.random.Generator) -> np.ndarray:
    return np.array(direction) * (sign, 1, 1) + rng.normal(0, 0.25, 3)


def _turned(across: np.ndarray) -> np.ndarray:
    """Forward of a chest whose left is `across`."""
    return np.stack([-across[:, 2], 0 * across[:, 0], across[:, 0]], axis=1)


def _bend(
    root: np.ndarray, end: np.ndarray, bones: np.ndarray, pole: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Middle joint and end [F, 3] of a limb from `root` towards `end`, bent towards `pole`."""
    upper, lower = bones
    offset = end - root
    distance = np.linalg.norm(offset, axis=1, keepdims=True)
    way = offset / np.maximum(distance, _NEAR)
    distance = np.clip(distance, abs(upper - lower) + 0.05, upper + lower - 1e-3)
    along = (upper**2 - lower**2 + distance**2) / (2 * distance)
    side = pole - (way @ pole)[:, None] * way
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), _NEAR)
    middle = root + along * way + np.sqrt(np.maximum(upper**2 - along**2, 0)) * side
    return middle, root + distance * way


def drift(frames: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """People never keep quite still: slow noise of unit variance, [F, width]."""
    knots = rng.standard_normal((int(frames / FPS * 1.5) + 4, width))
    place = np.arange(frames) / FPS * 1.5 + rng.random()
    left = place.astype(int)
    weight = (place - left)[:, None]
    weight = weight * weight * (3 - 2 * weight)
    return knots[left] * (1 - weight) + knots[left + 1] * weight


def acting_hands(p: Puppet, both: float) -> list[int]:
    """Which hands act: one of them, mostly the right, or both."""
    return [0, 1] if p.rng.random() < both else [int(p.rng.random() < 0.75)]
