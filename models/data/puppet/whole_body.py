"""A puppet that acts out the vocabulary, for views and ways of acting that no clip shows.

Actions are written down as the paths of hands, feet and hips in space, with everything that people
do differently drawn at random: size, speed, side, height, number of repetitions, stance, heading.
Limbs follow by inverse kinematics, and a camera looks from anywhere. Nobody was recorded for it.

Space is (left, up, forward) of a person who faces +forward, in torso lengths; the floor is at 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.action.label import NOTHING
from models.data.pyskl import Clip

FPS = 30.0

Vector = Sequence[float]

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

    def draw(self, low: Vector | float, high: Vector | float) -> np.ndarray:
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

    def path(self, *keys: tuple[float, Vector]) -> np.ndarray:
        """Through (time, place) in turn, [F, ...]; each is reached at its time."""
        (before, place), *rest = keys
        value = np.zeros((len(self.t), *np.shape(place))) + place
        for time, target in rest:
            weight = self.rise(before, time).reshape(-1, *[1] * np.ndim(target))
            value, place = value + weight * (np.asarray(target) - place), np.asarray(target)
            before = time
        return value

    def reach(self, side: int, *keys: tuple[float, Vector], back: float | None = None) -> None:
        """Move a hand through (time, (outward, up, forward)), and back to rest by a time."""
        rest = self.hands[side, 0]
        begin = max(keys[0][0] - self.draw(0.3, 0.7), 0.0)
        keys = [(begin, rest), *((time, self.at(side, target)) for time, target in keys)]
        if back is not None:
            keys += [(back - min(0.4, (back - keys[-1][0]) / 2), keys[-1][1]), (back, rest)]
        self.hands[side] = self.path(*keys)

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


def _span(p: Puppet, latest: float = 0.4) -> tuple[float, float]:
    """When an action that goes on for a while begins and ends."""
    return p.draw(0.1, latest), p.seconds - p.draw(0.0, 0.5)


def _sometimes_seated(p: Puppet) -> None:
    if p.rng.random() < 0.15:
        p.hips[:, 1] = p.draw(0.75, 1.1)
        p.hips[:, 2] -= p.draw(0.45, 0.85)
        p.lean += p.draw(-0.1, 0.2)


def wave(p: Puppet) -> None:
    """Wave one hand or both: at arm's length, in large arcs overhead, or with the forearm."""
    kind = p.rng.random()
    if kind < 0.3:  # an arm's length before the body or beside it, from side to side
        place, swing = p.draw((-0.2, -0.4, 0.2), (0.5, 0.35, 1.0)), p.draw(0.4, 1.1)
        rate, lift = p.draw(0.3, 0.9), p.draw(-0.2, 0.2)
    elif kind < 0.65:  # above the head or far out, in large arcs
        place, swing = p.draw((0.0, 0.5, 0.0), (0.6, 1.0, 0.4)), p.draw(0.4, 0.9)
        rate, lift = p.draw(0.3, 1.2), p.draw(-0.6, -0.1)
    else:  # a forearm, beside the shoulder
        place, swing = p.draw((0.0, -0.25, 0.1), (0.55, 0.55, 0.5)), p.draw(0.12, 0.5)
        rate, lift = p.draw(0.7, 2.4), p.draw(-0.25, 0.05)
    start, stop = _span(p)
    ramp = p.draw(0.3, 0.7)
    alike = p.rng.choice((-1, 1))
    phase = p.rng.random()
    for side in acting_hands(p, 0.3):
        p.reach(side, (start + ramp, place), back=stop)
        beat = 2 * np.pi * (rate * (p.t - start) + phase)
        on = p.between(start + 0.5 * ramp, stop - 0.2, 0.3) * swing
        p.hands[side, :, 0] += on * np.sin(beat) * (alike if side else 1)
        p.hands[side, :, 1] += on * lift * (1 - np.cos(2 * beat)) / 2


def clap(p: Puppet) -> None:
    """Clap the hands before the body, sometimes seated."""
    _sometimes_seated(p)
    start, stop = _span(p)
    height, ahead, wide = p.draw(-0.6, 0.4), p.draw(0.3, 0.9), p.draw(0.12, 0.9)
    rate = p.draw(0.6, 3.2)
    apart = wide * (1 + np.cos(2 * np.pi * rate * (p.t - start))) / 2
    for side, sign in enumerate((1, -1)):
        p.reach(
            side, (start + p.draw(0.3, 0.6), (-p.body.shoulder + 0.06, height, ahead)), back=stop
        )
        p.hands[side, :, 0] += sign * apart * p.between(start, stop, 0.4)


def golf(p: Puppet) -> None:
    """Swing a golf club with both hands, to either side."""
    p.lean += p.draw(0.25, 0.65)
    way = p.rng.choice((-1, 1))  # 1: from the right to the left
    set_, top, hit = p.draw((0.2, 0.9, 1.15), (0.6, 1.3, 1.5))
    end = hit + p.draw(0.25, 0.45)
    address = np.array([0.0, -1.0, p.draw(0.3, 0.6)])
    back = np.array([-way * p.draw(0.7, 1.0), p.draw(-0.2, 0.5), p.draw(-0.1, 0.4)])
    over = np.array([way * p.draw(0.5, 0.9), p.draw(0.1, 0.6), p.draw(-0.2, 0.4)])
    hands = p.path((set_, address), (top, back), (hit, address), (end, over))
    for side, sign in enumerate((1, -1)):
        p.hands[side] = hands + (sign * 0.05, 0.04 * sign * way, 0)
    p.twist += p.path((set_, 0.0), (top, way * 0.9), (hit, 0.0), (end, -way * p.draw(0.6, 1.2)))


def tennis(p: Puppet) -> None:
    """Play a tennis forehand or a serve."""
    side = int(p.rng.random() < 0.8)
    ready, hit = p.draw((0.4, 0.8), (0.8, 1.2))
    end, turn = hit + p.draw(0.2, 0.4), 1 if side else -1
    if p.rng.random() < 0.5:  # forehand
        keys = (
            p.draw((0.3, -0.6, -0.8), (0.8, 0.2, -0.1)),
            p.draw((-0.1, -0.3, 0.8), (0.4, 0.2, 1.0)),
        )
        last = p.draw((-1.3, 0.0, 0.1), (-0.8, 0.6, 0.6))
    else:  # serve
        keys = (
            p.draw((0.0, 0.2, -0.4), (0.4, 0.7, -0.1)),
            p.draw((0.0, 0.9, 0.2), (0.3, 1.1, 0.5)),
        )
        last = p.draw((-0.9, -0.9, 0.1), (-0.4, -0.4, 0.6))
        p.reach(1 - side, (ready - 0.1, p.draw((-0.2, 0.6, 0.3), (0.3, 1.0, 0.7))), back=end + 0.4)
    p.reach(side, (ready, keys[0]), (hit, keys[1]), (end, last), back=end + p.draw(0.5, 1.0))
    p.twist += turn * p.path((0.1, 0.0), (ready, 0.7), (hit, 0.0), (end, -0.8), (end + 0.8, 0.0))
    p.lean += p.path((ready, 0.0), (end, p.draw(0.0, 0.4)), (end + 0.8, 0.0))


def jump(p: Puppet) -> None:
    """Jump one to three times, on the spot or forward, sometimes as a star jump."""
    times = int(p.rng.integers(1, 4))
    take_off, flight = p.draw(0.5, 0.9), p.draw(0.25, 0.55)
    dip, height = p.draw(0.15, 0.7), p.draw(0.25, 1.3)
    ahead = p.draw(0, 2.5) * (p.rng.random() < 0.5)
    star, lift = p.rng.random() < 0.15, p.draw(0.2, 1.6)
    for number in range(times):
        start = take_off + number * (flight + 0.45)
        air = np.clip((p.t - start) / flight, 0, 1)
        arc = 4 * air * (1 - air)
        crouch = p.between(start - 0.4, start + 0.08, 0.2)
        crouch += p.between(start + flight - 0.05, start + flight + 0.5, 0.2)
        p.hips[:, 1] += height * arc - dip * crouch
        p.hips[:, 2] += ahead * air
        p.lean += 0.8 * dip * crouch
        for side, sign in enumerate((1, -1)):
            p.feet[side, :, 1] += (height * p.draw(0.7, 1.0) + 0.1) * arc
            p.feet[side, :, 2] += ahead * air
            p.feet[side, :, 0] += sign * star * 0.5 * arc
            p.hands[side, :, 2] += -0.5 * p.between(start - 0.4, start, 0.2) + 0.5 * arc
            p.hands[side, :, 1] += lift * arc
            p.hands[side, :, 0] += sign * star * 0.8 * arc


def bend_down(p: Puppet) -> None:
    """Bend or squat down to the floor with one hand or both, and come up again."""
    down = p.draw(0.6, 1.3)
    stay, up = down + p.draw(0.0, 0.6), p.draw(0.6, 1.3)
    low = p.path((0.1, 0.0), (down, 1.0), (stay, 1.0), (stay + up, 0.0))
    squat, step = p.draw(0.0, 0.9), p.draw(-0.5, 0.5)
    p.feet[:, :, 2] += [[step], [-step]]
    p.lean += p.draw(0.9 - 0.4 * squat, 1.75 - 0.8 * squat) * low
    p.hips[:, 1] -= squat * 0.9 * low
    p.hips[:, 2] -= p.draw(0.1, 0.45) * low
    p.twist += p.draw(-0.4, 0.4) * low
    keeps = p.rng.random() < 0.5
    after = p.draw((-0.3, -0.6, 0.3), (0.1, -0.2, 0.7))
    for side in acting_hands(p, 0.5):
        floor = p.draw((-0.4, -1.1, 0.0), (0.1, -0.9, 0.5))
        keys = [(down, floor), (stay, floor)] + ([(stay + up, after)] if keeps else [])
        p.reach(side, *keys, back=None if keeps else stay + up)


def pour(p: Puppet) -> None:
    """Tilt one hand over a cup, which the other hand mostly holds."""
    _sometimes_seated(p)
    side = int(p.rng.random() < 0.75)
    start, stop = _span(p)
    low, high = (
        p.draw((-0.6, -0.8, 0.3), (-0.2, -0.5, 0.6)),
        p.draw((-0.6, -0.45, 0.35), (-0.2, -0.1, 0.7)),
    )
    tilt = start + p.draw(0.4, 1.0)
    p.reach(side, (start + 0.2, low), (tilt, high), (stop, high + p.draw(-0.1, 0.15)))
    if p.rng.random() < 0.8:
        cup = p.draw((-0.5, -0.85, 0.35), (-0.2, -0.5, 0.7))
        p.reach(1 - side, (start + 0.2, cup))
    p.lean += p.draw(0.0, 0.45)


def pull_up(p: Puppet) -> None:
    """Do pull-ups on a bar."""
    every, high = p.draw(0.9, 2.2), p.draw(0.5, 0.95)
    up = high * (1 - np.cos(2 * np.pi * (p.t / every + p.rng.random()))) / 2
    place, bar = p.draw((-0.1, 0.9, 0.0), (0.5, 1.0, 0.2)), p.body.arm.sum() * 0.97
    for side in (0, 1):
        p.hands[side] = p.at(side, np.array([place[0], bar, place[2]])) - up[:, None] * (0, 1, 0)
    bent = p.draw(0.0, 0.9)
    p.feet += up[:, None] * (0, 1, 0) + np.array((0, bent, -0.6 * bent))
    p.hips[:, 1] += up


def push(p: Puppet) -> None:
    """Push something heavy while walking, or push once from the chest."""
    if p.rng.random() < 0.35:  # something heavy, on and on
        place = p.draw((-0.25, -0.6, 0.6), (0.05, 0.1, 1.05))
        for side in (0, 1):
            p.hands[side] = p.at(side, place)
        p.walk(p.draw(0.3, 3.5), p.draw(0.4, 1.1), 0.2)
        for side in (0, 1):
            p.hands[side] = p.at(side, place + 0.05 * drift(len(p.t), 3, p.rng))
        p.lean += p.draw(0.05, 1.2)
        p.hips[:, 1] -= p.draw(0.0, 0.4)
        return
    ready, out = p.draw((0.3, 0.55), (0.5, 1.2))
    stay = out + p.draw(0.0, 0.5)
    chest, ahead = (
        p.draw((-0.35, -0.45, 0.2), (0.05, 0.0, 0.5)),
        p.draw((-0.35, -0.3, 0.9), (0.0, 0.15, 1.15)),
    )
    for side in acting_hands(p, 0.75):
        p.reach(side, (ready, chest), (out, ahead), (stay, ahead), back=stay + p.draw(0.4, 0.9))
    forward = p.path((ready, 0.0), (out, 1.0), (stay, 1.0), (stay + 0.7, 0.0))
    p.lean += p.draw(0.0, 0.4) * forward
    p.hips[:, 2] += p.draw(0.0, 0.4) * forward
    p.feet[int(p.rng.integers(2)), :, 2] += p.draw(0.0, 0.8) * p.rise(ready, out)


def run(p: Puppet) -> None:
    """Run, covering ground or on the spot."""
    on_the_spot = p.rng.random() < 0.35
    for side in (0, 1):
        p.hands[side] = p.at(side, p.draw((0.0, -0.8, 0.2), (0.25, -0.45, 0.6)))
    p.walk(p.draw(3.5, 9.5), p.draw(1.1, 1.9), p.draw(0.3, 1.1))
    for foot in p.feet:  # a foot that swings is drawn up behind
        foot[:, 2] -= 0.4 * foot[:, 1]
    p.lean += p.draw(0.0, 0.6)
    p.hips[:, 1] += 0.05
    if on_the_spot:
        _on_the_spot(p, p.draw(0.0, 1.0))


def _on_the_spot(p: Puppet, stride: float) -> None:
    """Take the way out of a walk, and some of the stride: a treadmill, or a camera that follows."""
    for place in (p.hips, *p.feet):
        place[:, 2] -= np.linspace(0, 1, len(p.t)) * (p.hips[-1, 2] - p.hips[0, 2])
    p.feet[..., 2] *= stride


def walk(p: Puppet) -> None:
    """Walk, covering ground or on the spot, sometimes carrying something."""
    carries = p.rng.random() < 0.15
    place = p.draw((-0.4, -0.8, 0.3), (0.1, -0.3, 0.7))
    p.walk(p.draw(1.2, 3.4), p.draw(0.65, 1.1), p.draw(0.1, 0.3))
    for side in (0, 1) if carries else ():
        p.hands[side] = p.at(side, place)
    if p.rng.random() < 0.35:
        _on_the_spot(p, p.draw(0.3, 1.0))


def sit_down(p: Puppet) -> None:
    """Sit down on a seat behind."""
    start = p.draw(0.1, 0.6)
    stop = start + p.draw(0.7, 1.8)
    low = p.rise(start, stop)
    p.hips[:, 1] += low * (p.draw(0.75, 1.1) - p.height)
    p.hips[:, 2] -= low * p.draw(0.45, 0.85)
    p.feet[..., 2] += p.draw(-0.1, 0.2)
    p.lean += p.draw(0.3, 0.9) * 4 * low * (1 - low) + p.draw(-0.1, 0.25) * low
    kind = p.rng.random()
    for side in (0, 1):
        lap = p.draw((-0.3, -0.85, 0.3), (0.1, -0.65, 0.65))
        if kind < 0.2:
            lap = p.draw((0.1, -1.0, -0.3), (0.4, -0.85, 0.1))  # on the seat or its arms
        if kind < 0.75:
            p.reach(side, (stop, lap))


def throw(p: Puppet) -> None:
    """Throw with one hand: over the shoulder, underhand, or across the body."""
    side = int(p.rng.random() < 0.8)
    ready = p.draw(0.45, 0.9)
    gone = ready + p.draw(0.15, 0.4)
    end = gone + p.draw(0.15, 0.4)
    kind = p.rng.random()
    if kind < 0.65:  # over the shoulder
        back, out = (
            p.draw((0.1, 0.1, -0.6), (0.6, 0.8, 0.0)),
            p.draw((-0.2, 0.1, 0.6), (0.3, 0.8, 1.0)),
        )
        last = p.draw((-0.7, -1.0, 0.2), (-0.1, -0.3, 0.8))
    elif kind < 0.85:  # from below
        back, out = (
            p.draw((0.0, -1.0, -0.8), (0.3, -0.7, -0.3)),
            p.draw((-0.2, -0.3, 0.7), (0.2, 0.5, 1.1)),
        )
        last = out + p.draw((-0.2, 0.1, -0.4), (0.1, 0.5, -0.1))
    else:  # across the body
        back, out = (
            p.draw((0.4, -0.6, -0.5), (0.9, 0.0, 0.0)),
            p.draw((-0.2, -0.3, 0.7), (0.3, 0.2, 1.1)),
        )
        last = p.draw((-1.1, -0.5, 0.2), (-0.6, 0.1, 0.6))
    p.reach(side, (ready, back), (gone, out), (end, last), back=end + p.draw(0.4, 0.9))
    turn = (1 if side else -1) * p.draw(0.0, 1.4)
    p.twist += turn * p.path((0.1, 0.0), (ready, 1.0), (gone, -0.3), (end, -0.7), (end + 0.7, 0.0))
    p.lean += p.path(
        (0.2, 0.0), (ready, -p.draw(0.0, 0.2)), (end, p.draw(0.0, 1.0)), (end + 1.0, 0.0)
    )
    p.feet[1 - side, :, 2] += p.draw(0.0, 1.4) * p.rise(ready - 0.2, gone)
    p.hips[:, 2] += p.draw(0.0, 0.7) * p.rise(ready - 0.1, end)


def punch(p: Puppet) -> None:
    """Punch one to four times with one fist or both in turn, forward or to the side."""
    first = int(p.rng.random() < 0.7)
    times = int(p.rng.integers(1, 5))
    every, strike = p.draw(0.45, 0.9), p.draw(0.12, 0.28)
    guard = [p.draw((-0.25, -0.5, 0.2), (0.1, 0.05, 0.5)) for _ in (0, 1)]
    keys = {side: [(0.4, guard[side])] for side in (0, 1)}
    alternate, aside = p.rng.random() < 0.6, p.rng.random() < 0.3
    for number in range(times):
        start = 0.45 + number * every
        side = (first + number) % 2 if alternate else first
        fist = p.draw((-0.5, -0.25, 0.9), (0.1, 0.3, 1.15))
        if aside:
            fist = p.draw((0.7, -0.2, 0.0), (1.1, 0.25, 0.8))
        keys[side] += [
            (start, guard[side]),
            (start + strike, fist),
            (start + 2.2 * strike, guard[side]),
        ]
        turn = (1 if side == 0 else -1) * p.draw(0.0, 0.6)
        p.twist -= turn * p.between(start, start + 2.4 * strike, strike)
    used = (0, 1) if alternate or p.rng.random() < 0.5 else (first,)
    end = 0.45 + times * every + 0.5
    for side in used:
        p.reach(side, *keys[side], back=end if p.rng.random() < 0.6 else None)
    p.feet[1 - first, :, 2] += p.draw(0.0, 0.7)
    p.lean += p.draw(0.0, 0.25)


def draw_in_the_air(p: Puppet) -> None:
    """Draw a circle, a cross or a tick in the air with one hand."""
    side = int(p.rng.random() < 0.8)
    size, centre = p.draw(0.25, 0.65), p.draw((-0.5, -0.3, 0.6), (0.2, 0.5, 0.95))
    begin, stroke = p.draw(0.5, 0.9), p.draw(0.3, 0.65)
    kind = p.rng.integers(3)
    if kind == 2:
        turns, way = p.draw(0.9, 2.2), p.rng.choice((-1, 1))
        end = begin + turns * p.draw(0.7, 1.4)
        p.reach(side, (begin, np.add(centre, (0, size, 0))), back=end + p.draw(0.4, 0.9))
        angle = 2 * np.pi * turns * np.clip((p.t - begin) / (end - begin), 0, 1)
        on = p.between(begin - 0.05, end + 0.05, 0.1)
        p.hands[side, :, 0] += way * on * size * np.sin(angle)
        p.hands[side, :, 1] += on * size * (np.cos(angle) - 1)
        return
    corners = [(1, 1), (-1, -1), (-1, 1), (1, -1)] if kind else [(-1, 0.2), (-0.3, -0.8), (1, 1)]
    flip = p.rng.choice((-1, 1))
    keys = [
        (begin + number * stroke, np.add(centre, (flip * size * x, size * y, 0)))
        for number, (x, y) in enumerate(corners)
    ]
    p.reach(side, *keys, back=keys[-1][0] + p.draw(0.4, 0.9))


def kick(p: Puppet) -> None:
    """Kick once or twice, forward or sideways."""
    side = int(p.rng.random() < 0.75)
    sign = 1 if side == 0 else -1
    times = int(p.rng.integers(1, 3))
    start = p.draw(0.3, 0.7)
    sideways = p.rng.random() < 0.35
    for _ in range(times):
        up = start + p.draw(0.2, 0.45)
        down = up + p.draw(0.3, 0.6)
        out = np.array([sign * p.draw(0.7, 1.3), p.draw(0.5, 1.4), p.draw(-0.2, 0.4)])
        if not sideways:
            out = np.array([p.draw(-0.2, 0.2), p.draw(0.3, 1.4), p.draw(0.7, 1.4)])
        wind = np.array([0, 0.25, -p.draw(0.1, 0.5)])
        p.feet[side] += p.path(
            (start - 0.25, np.zeros(3)), (start, wind), (up, out), (down, np.zeros(3))
        )
        kicked = p.between(start, down, up - start)
        p.lean -= p.draw(0.0, 0.4) * kicked * (not sideways)
        p.bow += sign * p.draw(-0.5, 0.0) * kicked * sideways
        p.hips[:, 0] -= sign * 0.12 * kicked
        start = down + p.draw(0.2, 0.5)
    for hand, sign in enumerate((1, -1)):
        p.hands[hand] += (
            p.between(0.2, start, 0.3)[:, None]
            * p.draw((0, 0, -0.3), (0.5, 0.5, 0.3))
            * (sign, 1, 1)
        )


def something_else(p: Puppet) -> None:
    """Hands go somewhere, stay, and come back: none of the above, or part of it."""
    _sometimes_seated(p)
    kind = p.rng.random()
    if kind < 0.25:  # to the head or the mouth: a phone, a cup, a scratch
        place = p.draw((-0.35, 0.2, 0.1), (0.0, 0.5, 0.4))
        start, stop = _span(p, 1.0)
        for side in acting_hands(p, 0.2):
            p.reach(side, (start + 0.5, place), back=stop if p.rng.random() < 0.6 else None)
    elif kind < 0.6:
        for side in acting_hands(p, 0.5):
            time, keys = p.draw(0.3, 0.8), []
            for _ in range(p.rng.integers(1, 3)):
                place = p.draw((-0.5, -1.0, -0.1), (0.8, 0.6, 0.8))
                stay = time + p.draw(0.3, 1.0)
                keys += [(time, place), (stay, place)]
                time = stay + p.draw(0.4, 1.0)
            p.reach(side, *keys, back=time)
    else:  # shifts from foot to foot, looks round
        time = p.draw(0.3, 1.0)
        p.hips[:, 0] += p.draw(-0.25, 0.25) * p.rise(time, time + p.draw(0.4, 1.0))
        p.twist += p.draw(-0.6, 0.6) * p.between(time, p.seconds, 0.7)
        p.lean += p.draw(-0.1, 0.25) * p.between(time, p.seconds, 0.7)


def _flinch(p: Puppet, when: float) -> None:
    """Be hit: back off and bend, hands up perhaps."""
    hit = p.path((when, 0.0), (when + p.draw(0.2, 0.4), 1.0), (when + p.draw(0.8, 1.6), 0.7))
    p.hips[:, 2] -= p.draw(0.0, 1.2) * hit
    p.feet[..., 2] -= p.draw(0.0, 0.8) * hit
    p.lean += p.draw(-0.4, 0.3) * hit
    for hand in p.hands:
        hand += hit[:, None] * p.draw((-0.1, 0.0, -0.1), (0.1, 0.5, 0.5))


def approach(a: Puppet, b: Puppet) -> float:
    """Walk up to the other, who stands."""
    start, near = a.draw(0.0, 0.4), a.draw(1.5, 2.6)
    speed = a.draw(1.4, 3.2)
    stop = a.seconds - a.draw(-0.5, 0.4)
    a.walk(speed, a.draw(0.65, 1.0), 0.2, a.between(start, stop, 0.3))
    return near + a.hips[-1, 2]


def walk_away(a: Puppet, b: Puppet) -> float:
    """Walk away from the other, who stands."""
    a.walk(a.draw(1.4, 3.2), a.draw(0.65, 1.0), 0.2, a.rise(0.0, a.draw(0.1, 0.8)))
    return -a.draw(1.4, 2.6)


def kick_someone(a: Puppet, b: Puppet) -> float:
    """Kick the other, who flinches."""
    kick(a)
    _flinch(b, a.draw(0.6, 1.0))
    return a.draw(1.3, 2.2)


def push_someone(a: Puppet, b: Puppet) -> float:
    """Push the other, who flinches."""
    push(a)
    _flinch(b, a.draw(0.7, 1.1))
    return a.draw(1.2, 1.9) + a.hips[len(a.t) // 2, 2]


def punch_someone(a: Puppet, b: Puppet) -> float:
    """Punch the other, who flinches."""
    punch(a)
    _flinch(b, a.draw(0.5, 0.8))
    return a.draw(1.1, 1.8)


def shake_hands(a: Puppet, b: Puppet) -> float:
    """Shake right hands."""
    gap, height = a.draw(1.5, 2.3), a.draw(-0.75, -0.3)
    start = a.draw(0.3, 0.8)
    stop = a.seconds - a.draw(-0.4, 0.4)
    shake = (
        a.draw(0.0, 0.12)
        * np.sin(2 * np.pi * a.draw(1.0, 3.0) * a.t)
        * a.between(start + 0.2, stop, 0.3)
    )
    for p in (a, b):
        lean = p.draw(0.0, 0.25)
        p.reach(1, (start + 0.3, (-p.body.shoulder, height, gap / 2 - lean)), back=stop + 0.4)
        p.hands[1, :, 1] += shake
        p.lean += lean * p.between(start, stop + 0.4, 0.4)
    return gap


def hug(a: Puppet, b: Puppet) -> float:
    """Some press their whole bodies together, others lean over from where they stand."""
    chests, meet = a.draw(0.2, 0.6), a.draw(0.5, 1.2)
    leans = a.draw(0.05, 0.6), a.draw(0.05, 0.6)
    near = chests + np.sin(leans[0]) + np.sin(leans[1])
    gap = near + a.draw(0.0, 2.2)
    stop = a.seconds + a.draw(-0.8, 1.5)
    share = a.rng.choice((0.0, 0.5, 1.0))
    for p, part, lean in ((a, share, leans[0]), (b, 1 - share, leans[1])):
        way = part * (gap - near)
        if way > 0.3:
            p.walk(way / max(meet - 0.2, 0.4), 0.9, 0.15, p.between(0.0, meet, 0.2))
        p.lean += lean * p.between(meet - 0.4, stop, 0.5)
        for side in (0, 1):
            high = p.draw(-0.6, 0.25)
            p.reach(
                side,
                (meet - 0.1, (0.1, high, 0.6)),
                (meet + 0.4, (-0.45, high, chests + 0.15)),
                back=stop,
            )
    return near + a.hips[-1, 2] + b.hips[-1, 2]


def hand_over(a: Puppet, b: Puppet) -> float:
    """Hand something over to the other."""
    gap, height = a.draw(1.5, 2.4), a.draw(-0.7, -0.1)
    start = a.draw(0.3, 0.8)
    give = start + a.draw(0.3, 0.7)
    for p, back, hands in ((a, give + 0.6, 0.25), (b, give + a.draw(0.6, 1.2), 0.25)):
        for side in acting_hands(p, hands):
            place = (-0.6 * p.body.shoulder, height, gap / 2)
            held = p.draw((-0.2, -0.8, 0.3), (0.0, -0.4, 0.6))
            p.reach(
                side,
                (start if p is a else give - 0.1, place),
                (give + 0.1, place),
                (back, held),
                back=back + 0.8,
            )
    return gap


ALONE: dict[str, Callable[[Puppet], None]] = {
    "wave": wave,
    "clap": clap,
    "play golf": golf,
    "play tennis": tennis,
    "jump": jump,
    "bend or pick up": bend_down,
    "pour": pour,
    "pull up": pull_up,
    "push": push,
    "run": run,
    "walk": walk,
    "sit down": sit_down,
    "stand up": sit_down,  # played backwards
    "throw": throw,
    "punch": punch,
    "draw in the air": draw_in_the_air,
    "kick": kick,
    NOTHING: something_else,
}
"""What a puppet can do by itself."""

TOGETHER: dict[str, Callable[[Puppet, Puppet], float]] = {
    "approach": approach,
    "walk away": walk_away,
    "kick someone": kick_someone,
    "push someone": push_someone,
    "punch someone": punch_someone,
    "shake hands": shake_hands,
    "hug": hug,
    "hand something over": hand_over,
}
"""What two do; the function says how far before the first one, in the end, the second stands."""

KNOWN = {*ALONE, *TOGETHER}

BACKWARDS = frozenset({"stand up"})


def perform(label: str, number: int) -> Clip:
    """One clip of an action; the same for the same number.

    Args:
        label: a key of `ALONE` or `TOGETHER`.
        number: which of any number of clips.

    Raises:
        KeyError: no puppet knows this action.
    """
    rng = np.random.default_rng([number, *label.encode()])
    seconds = rng.uniform(1.6, 3.2)
    first = Puppet(seconds, rng)
    if label in TOGETHER:
        second = Puppet(seconds, rng)
        gap = TOGETHER[label](first, second)
        facing = -1 if gap > 0 else 1
        people = [first.skeleton(), second.skeleton() * (facing, 1, facing) + (0, 0, gap)]
    else:
        ALONE[label](first)
        people = [first.skeleton()]
    points = _film(np.stack(people), rng)
    if label in BACKWARDS:
        points = points[:, ::-1]
    keypoints = np.ones((*points.shape[:-1], 3), np.float32)
    keypoints[..., :2] = np.nan_to_num(points)
    keypoints[..., 2] = ~np.isnan(points[..., 0])
    return Clip(f"puppet/{label} {number}", label, first.t, keypoints, unit=1.0)


def _film(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Points in space [P, F, 17, 3] as a camera sees them, x right and y down, [P, F, 17, 2].

    One person is seen from the front mostly, two from the side.
    """
    pair = len(points) == 2
    kind = rng.random()
    if kind < 0.5:
        yaw = rng.normal(rng.choice((-1, 1)) * np.pi / 2 if pair else 0.0, 0.5)
    elif kind < 0.75:
        yaw = rng.choice((-1, 1)) * rng.uniform(0.6, 2.0)
    else:
        yaw = rng.uniform(-np.pi, np.pi)
    points = points - np.nanmean(points, axis=(0, 1, 2))
    x = points[..., 0] * np.cos(yaw) + points[..., 2] * np.sin(yaw)
    z = points[..., 2] * np.cos(yaw) - points[..., 0] * np.sin(yaw)
    pitch = rng.normal(0.08, 0.12)
    y = points[..., 1] * np.cos(pitch) - z * np.sin(pitch)
    z = z * np.cos(pitch) + points[..., 1] * np.sin(pitch)
    far = rng.uniform(5, 20) + max(float(np.nanmax(z)), 0.0)
    return np.stack([x, -y], axis=-1) * (far / (far - z))[..., None]
