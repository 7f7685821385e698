"""Actions of the whole body: jump, bend, push, run, walk, sit down, fall, lie down."""

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


def fall_down(p: Puppet) -> None:
    """Fall in any direction, from standing, walking or a chair, and stay on the floor."""
    start, last = p.draw(0.1, max(0.2, min(1.0, p.seconds - 1.2))), p.draw(0.4, 1.0)
    stop, kind = start + last, p.rng.random()
    if kind < 0.3:
        p.walk(p.draw(1.2, 4.0), p.draw(0.65, 1.2), p.draw(0.1, 0.3), 1 - p.rise(start, stop))
    elif kind < 0.5:
        low, back = p.draw((0.75, 0.45), (1.1, 0.85))
        p.hips += (0, low - p.height, -back)
        p.feet -= p.rise(start, stop)[:, None] * (0, 1.5 - low, back)  # the legs stretch
    p.heading = p.rng.choice((0, 0, np.pi, np.pi, np.pi / 2, -np.pi / 2)) + p.rng.normal(0, 0.3)
    p.tip = p.draw(1.45, 1.65) * np.clip((p.t - start) / last, 0, 1) ** p.draw(1.4, 2.4)
    crumple = p.rise(start, start + p.draw(0.6, 1.3) * last)
    p.hips[:, 1] -= np.minimum(p.draw(0.0, 0.9) * crumple, p.hips[:, 1] - 0.6)
    p.lean += p.draw(-0.2, 0.7) * crumple * (0.3 + 0.7 * abs(np.sin(p.heading)))
    p.twist += p.draw(-0.5, 0.5) * crumple
    for side, sign in enumerate((1, -1)):
        p.feet[side] += crumple[:, None] * p.draw((-0.1, 0, -0.2), (0.3, 0.4, 0.4)) * (sign, 1, 1)
        flail = p.draw((0.0, -0.4, 0.0), (1.0, 0.8, 1.0))
        end = p.draw((-0.4, -0.9, -0.1), (0.4, 0.8, 0.3))
        p.reach(side, (start + 0.6 * last, flail), (stop + p.draw(0.0, 0.4), end))


def lie_down(p: Puppet) -> None:
    """Lie down slowly on the floor or a bed: on the back, on a side or face down."""
    start = p.draw(0.0, 0.1)
    stop = max(start + 1.5, p.seconds - p.draw(0.0, 0.5))
    sat = start + (stop - start) * p.draw(0.35, 0.55)
    kind = p.rng.random()
    if kind < 0.2:
        _lie_face_down(p, start, sat, stop)
        return
    bed = p.draw(0.45, 0.9) if p.rng.random() < 0.5 else p.draw(0.12, 0.25)
    if p.rng.random() < 0.3:  # from sitting
        start -= 1.5
        sat = 0.2
    sit, lie = p.rise(start, sat), p.rise(sat - 0.2, stop)
    p.hips[:, 1] += sit * (bed - p.height)
    p.hips[:, 2] -= sit * p.draw(0.5, 1.0)
    p.lean += p.draw(0.3, 0.9) * 4 * sit * (1 - sit)
    legs, spread = p.body.leg.sum() * p.draw(0.6, 0.98), p.draw(0.05, 0.2)
    side = kind < 0.45
    for foot, sign in enumerate((1, -1)):
        end = p.hips[-1] + (sign * spread, -0.05, legs * (0.75 if side else 1))
        p.feet[foot] += lie[:, None] * (end - p.feet[foot])
    belly, beside = ((-0.3, -0.6), (-0.1, -0.4)), ((0.1, -1.0), (0.5, -0.8))
    if side:
        p.heading = p.rng.choice((-1, 1)) * np.pi / 2
        p.tip = p.draw(1.4, 1.6) * lie
    else:
        p.lean += (p.draw(-1.6, -1.35) - p.lean[-1]) * lie
    for hand in (0, 1):
        support = p.draw((0.0, -1.0, -0.6), (0.3, -0.85, -0.1))
        (out, up), (far, top) = belly if p.rng.random() < 0.5 else beside
        rest = p.on_torso(hand, p.draw((out, up, 0.05), (far, top, 0.25)))
        p.reach(hand, (sat, support))
        p.hands[hand] += p.rise(sat, stop)[:, None] * (rest - p.hands[hand])


def _lie_face_down(p: Puppet, start: float, knelt: float, stop: float) -> None:
    """Kneel, go down on the hands, and lie face down."""
    kneel, lie = p.rise(start, knelt), p.rise(knelt - 0.2, stop)
    thigh, shank = p.body.leg
    p.hips[:, 1] += kneel * (thigh - p.height) + lie * (0.15 - thigh)
    p.hips[:, 2] += lie * p.draw(0.2, 0.6)
    p.lean += p.draw(0.3, 0.9) * kneel * (1 - lie) + (p.draw(1.4, 1.55) - p.lean[-1]) * lie
    for foot in p.feet:  # back, under the hips, and then straight out behind them
        foot[:, 2] -= kneel * shank
        foot[:, 2] += lie * (p.hips[-1, 2] - 0.97 * (thigh + shank) - foot[:, 2])
    for side in (0, 1):
        floor = p.draw((-0.1, -1.0, 0.2), (0.2, -0.8, 0.6))
        end = p.draw((0.1, -0.1, -0.6), (0.4, 0.0, 0.5))
        p.reach(side, (knelt + 0.2, floor), (stop, end))
