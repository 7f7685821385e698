"""Actions of the whole body: jump, bend, push, run, walk, sit down."""

import numpy as np

from models.data.puppet.body import Puppet, acting_hands, drift


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


def push(p: Puppet) -> None:
    """Push something heavy while walking, or push once from the chest."""
    if p.rng.random() < 0.35:  # something heavy, without end
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
    for foot in p.feet:  # the swinging foot is pulled up behind
        foot[:, 2] -= 0.4 * foot[:, 1]
    p.lean += p.draw(0.0, 0.6)
    p.hips[:, 1] += 0.05
    if on_the_spot:
        _on_the_spot(p, p.draw(0.0, 1.0))


def _on_the_spot(p: Puppet, stride: float) -> None:
    """Remove the travel of a walk and scale its stride.

    So a treadmill looks, or a camera that follows.
    """
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
