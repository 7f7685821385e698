"""Exercises: repeated motions, which a clip shows from anywhere in their cycle."""

import numpy as np

from models.data.puppet.body import Puppet, drift


def _phase(p: Puppet, slow: float, fast: float) -> np.ndarray:
    """Draw a rate between two numbers of repetitions a second; return the phase, radians [F]."""
    return 2 * np.pi * (p.draw(slow, fast) * p.t + p.rng.random())


def _cycle(p: Puppet, slow: float, fast: float) -> np.ndarray:
    """Go from 0 to 1 and back at a rate drawn as by `_phase`, [F]."""
    return (1 - np.cos(_phase(p, slow, fast))) / 2


def _hold(p: Puppet, *places: tuple[float, float, float]) -> None:
    """Keep both hands at one of some places (outward, up, forward) along the torso."""
    place = places[p.rng.integers(len(places))] + p.draw((-0.08,) * 3, (0.08,) * 3)
    for side in (0, 1):
        p.hands[side] = p.on_torso(side, place)


def jumping_jack(p: Puppet) -> None:
    """Jump the feet apart and together while the arms swing up beside the body and down."""
    out = _cycle(p, 0.6, 1.5)
    hop = 4 * out * (1 - out) * p.draw(0.05, 0.3)
    wide, top = p.draw(0.25, 0.7), p.draw(0.6, 1.5) if p.rng.random() < 0.85 else p.draw(0.0, 0.3)
    angle = -1.45 + (top + 1.45) * out
    far, ahead = p.body.arm.sum() * p.draw(0.8, 0.99), p.draw(-0.1, 0.3)
    arc = far * np.stack([np.cos(angle), np.sin(angle), ahead * np.sin(out * np.pi)], axis=1)
    p.hips[:, 1] += hop - 0.5 * (p.feet[0, 0, 0] + wide) ** 2 / p.height * out
    p.feet[:, :, 1] += hop
    for side, sign in enumerate((1, -1)):
        p.feet[side, :, 0] += sign * wide * out
        p.hands[side] = p.at(side, arc)


def jump_rope(p: Puppet) -> None:
    """Skip in small jumps, on both feet or in turn, while the wrists turn a rope."""
    phase = _phase(p, 1.3, 2.8)
    in_turn = p.rng.random() < 0.3
    hop = p.draw(0.06, 0.35) * np.clip(np.sin(phase), 0, 1)
    turn, width = p.draw(0.03, 0.16), p.draw(0.05, 0.3)
    place = p.draw((0.15, -0.85, 0.05), (0.6, -0.45, 0.45))
    p.hips[:, 1] += hop - p.draw(0.02, 0.12)
    p.feet[..., 0] *= width / abs(p.feet[0, 0, 0])
    for side in (0, 1):
        p.feet[side, :, 1] += hop
        if in_turn:
            lifted = np.clip(np.sin(phase / 2 + side * np.pi), 0, 1)
            p.feet[side] += lifted[:, None] * (0, p.draw(0.2, 0.5), p.draw(-0.3, 0.2))
        circle = np.stack([0 * phase, np.sin(phase), np.cos(phase)], axis=1)
        p.hands[side] = p.at(side, place + turn * circle)


def squat(p: Puppet) -> None:
    """Squat down and up: hands ahead, before the chest, at the neck, on the hips or hanging."""
    down = _cycle(p, 0.3, 0.9)
    deep = p.draw(0.3, 0.68) * p.height
    wide = p.draw(0.0, 0.35)
    p.feet[:, :, 0] += [[wide], [-wide]]
    p.hips[:, 1] -= deep * down
    p.hips[:, 2] -= p.draw(0.25, 0.6) * down
    p.lean += p.draw(0.25, 0.85) * down
    kind, ahead = p.rng.random(), p.draw((-0.3, -0.3, 0.8), (0.1, 0.15, 1.05))
    for side in (0, 1) if kind < 0.35 else ():
        hanging = p.hands[side].copy()
        p.hands[side] = hanging + down[:, None] * (p.at(side, ahead) - hanging)
    if 0.35 <= kind < 0.85:
        _hold(p, (-0.3, -0.2, 0.35), (0.1, 0.05, 0.0), (0.0, 0.3, -0.05), (0.05, -0.85, 0.1))


def lunge(p: Puppet) -> None:
    """Lunge with one leg or both in turn: ahead, back or aside."""
    first, in_turn = int(p.rng.integers(2)), p.rng.random() < 0.6
    every, start = p.draw(1.1, 2.4), p.draw(-0.8, 0.3)
    far, low = p.draw(1.0, 1.7), p.draw(0.35, 0.85)
    kind = p.rng.random()
    way = np.array((0, 0, 1)) if kind < 0.6 else np.array((0, 0, -1))
    aside, stays = kind > 0.8, p.rng.random() < 0.25
    lean = p.draw(-0.05, 0.35)
    if kind < 0.6 and p.rng.random() < 0.5:
        _hold(p, (0.05, -0.85, 0.1), (-0.3, -0.25, 0.3), (0.0, 0.3, -0.05))
    for number in range(int(p.seconds / every) + 2):
        side = (first + number * in_turn * (not stays)) % 2
        begin = start + number * every
        ramp = p.draw(0.35, 0.48) * every
        go = p.between(begin, begin + 0.96 * every, ramp)
        out = far * (np.array((1 - 2 * side, 0, 0)) if aside else way)
        step = p.between(begin - 9, begin + 9, 0.1) * (number == 0) if stays else go
        p.feet[side] += step[:, None] * out
        p.feet[side, :, 1] += 0.6 * step * (1 - step) * (not stays)
        rear = side if way[2] < 0 else 1 - side
        p.feet[rear, :, 1] += 0.25 * go * (not aside)  # on the toes
        p.hips += (0.75 if aside else 0.5) * step[:, None] * out
        p.hips[:, 1] -= low * go + 0.1 * step
        p.lean += (lean + 0.4 * aside) * go


def push_up(p: Puppet) -> None:
    """Do push-ups on the hands and the toes or knees, on the floor or with raised hands."""
    down, on_knees = _cycle(p, 0.35, 1.1), p.rng.random() < 0.3
    raised = p.draw(0.1, 0.7) if p.rng.random() < 0.2 else 0.0
    ankle, (thigh, shank) = p.draw(0.08, 0.22), p.body.leg
    arm = p.body.arm.sum()
    high = raised + arm * (p.draw(0.86, 0.95) - p.draw(0.35, 0.62) * down)
    legs, pivot = (thigh, 0.05) if on_knees else (0.99 * (thigh + shank), ankle)
    p.lean = np.pi / 2 - np.arcsin(np.clip((high - pivot) / (legs + 1), -1, 1))
    line = np.stack([0 * p.lean, np.cos(p.lean), np.sin(p.lean)], axis=1)
    p.hips = (0, pivot, 0) + legs * line
    p.hips[:, 1] += p.draw(-0.1, 0.2) * (not on_knees)
    bent = p.draw(0.0, 1.3)
    foot = shank * np.array((0, np.sin(bent), -np.cos(bent))) if on_knees else np.zeros(3)
    apart = p.draw(0.03, 0.25)
    neck = p.hips + line
    place = p.draw((0.0, 0.0, -0.25), (0.4, 0.0, 0.1)) + (0, raised, 0)
    for side, sign in enumerate((1, -1)):
        p.feet[side] = foot + (sign * apart, pivot, 0)
        p.hands[side] = p.at(side, place) + (0, 0.05, neck[:, 2].max()) - neck * (0, 1, 1)


def sit_up(p: Puppet) -> None:
    """Lie on the back and raise the torso, all the way or a part of it, again and again."""
    up = _cycle(p, 0.25, 0.9)
    full = p.rng.random() < 0.75
    p.lean = p.draw(-1.6, -1.45) + up * (p.draw(1.5, 2.2) if full else p.draw(0.6, 1.0))
    p.hips[:, 1] = p.draw(0.1, 0.25)
    legs, apart = p.body.leg.sum() * p.draw(0.5, 0.97), p.draw(0.05, 0.35)
    lifted = p.draw(0.2, 0.8) if p.rng.random() < 0.15 else 0.08
    for side, sign in enumerate((1, -1)):
        p.feet[side] = p.hips + (sign * apart, lifted - p.hips[0, 1], legs)
    _hold(
        p,
        (0.0, 0.35, 0.0),
        (-0.1, 0.4, 0.2),
        (-0.5, -0.25, 0.25),
        (0.0, -0.3, 0.8),
        (0.0, 1.0, 0.1),
    )


def lift_weights(p: Puppet) -> None:
    """Lift weights: press them overhead, from the floor or the shoulders, curl, or bench press."""
    kind = p.rng.random()
    if kind < 0.25:
        _lift_from_floor(p)
    elif kind < 0.5:
        _press(p)
    elif kind < 0.75:
        _curl(p)
    else:
        _bench_press(p)


def _press(p: Puppet) -> None:
    """Press weights from the shoulders up, sometimes seated."""
    if p.rng.random() < 0.25:
        p.hips += (0, p.draw(0.8, 1.1) - p.height, -p.draw(0.5, 0.85))
    up = _cycle(p, 0.3, 0.9)[:, None]
    low = p.draw((-0.05, -0.1, 0.1), (0.45, 0.3, 0.4))
    high = p.draw((-0.1, 0.95, -0.05), (0.3, 1.1, 0.2))
    for side in (0, 1):
        p.hands[side] = p.at(side, low + up * (high - low))


def _lift_from_floor(p: Puppet) -> None:
    """Lift a barbell from the floor to the shoulders, and mostly overhead."""
    wide, squats = p.draw(0.0, 0.5), p.draw(0.2, 0.9)
    off, rack = p.draw((0.1, 0.3), (0.5, 0.8))
    rack += off
    over = rack + p.draw(0.2, 0.6)
    low = p.path((off, 1.0), (rack, 0.0))
    p.hips[:, 1] -= squats * low
    p.hips[:, 2] -= 0.4 * low
    p.lean += p.draw(0.7, 1.3) * low
    catch = p.draw(0.0, 0.7) * p.between(rack - 0.2, over + 0.2, 0.25)
    p.hips[:, 1] -= catch
    p.lean += 0.2 * catch
    floor, chest = (wide, -1.0, p.draw(0.1, 0.3)), (wide, p.draw(-0.15, 0.05), 0.25)
    last = (wide, p.draw(0.9, 1.1), p.draw(-0.1, 0.15)) if p.rng.random() < 0.8 else chest
    for side in (0, 1):
        way = p.path((off, floor), (rack, chest), (over, last))
        p.hands[side] = p.at(side, way)
    p.feet[:, :, 0] *= p.draw(0.8, 1.5)


def _curl(p: Puppet) -> None:
    """Curl weights with the forearms, together or in turn, sometimes seated."""
    if p.rng.random() < 0.2:
        p.hips += (0, p.draw(0.8, 1.1) - p.height, -p.draw(0.5, 0.85))
    phase, apart = _phase(p, 0.35, 1.0), np.pi * (p.rng.random() < 0.35)
    upper, fore = p.body.arm
    top, out, ahead = p.draw((0.5, 0.0, -0.1), (1.2, 0.2, 0.25))
    for side in (0, 1):
        angle = -1.4 + (top + 1.4) * (1 - np.cos(phase + side * apart)) / 2
        reach = np.stack([0 * angle, np.sin(angle), np.cos(angle)], axis=1)
        p.hands[side] = p.at(side, (out, -0.98 * upper, ahead) + fore * reach)
    p.lean += p.draw(-0.1, 0.1)


def _bench_press(p: Puppet) -> None:
    """Press weights up while lying on a bench or the floor."""
    bench = p.draw(0.5, 0.9) if p.rng.random() < 0.7 else 0.15
    p.lean[:] = p.draw(-1.6, -1.2)
    p.hips[:, 1] = bench
    far, apart = p.body.leg.sum() * p.draw(0.4, 0.6), p.draw(0.15, 0.5)
    for side, sign in enumerate((1, -1)):
        p.feet[side] = p.hips + (sign * apart, 0.08 - bench, far)
    up = _cycle(p, 0.3, 0.9)[:, None]
    low = p.draw((0.05, 0.15, 0.1), (0.45, 0.35, 0.4))
    high = p.draw((-0.1, 0.95, 0.0), (0.25, 1.1, 0.2))
    for side in (0, 1):
        p.hands[side] = p.at(side, low + up * (high - low)) + 0.02 * drift(len(p.t), 3, p.rng)
