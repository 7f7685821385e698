"""Gestures: actions of the hands while the body stands or sits."""

import numpy as np

from models.data.puppet.body import Puppet, acting_hands


def _span(p: Puppet, latest: float = 0.4) -> tuple[float, float]:
    """Draw when a continuous action begins and ends, seconds."""
    return p.draw(0.1, latest), p.seconds - p.draw(0.0, 0.5)


def _sometimes_seated(p: Puppet) -> None:
    """Seat the puppet, in about one clip of seven."""
    if p.rng.random() < 0.15:
        p.hips[:, 1] = p.draw(0.75, 1.1)
        p.hips[:, 2] -= p.draw(0.45, 0.85)
        p.lean += p.draw(-0.1, 0.2)


def wave(p: Puppet) -> None:
    """Wave one hand or both: at arm's length, in large arcs overhead, or with the forearm."""
    kind = p.rng.random()
    if kind < 0.3:  # at arm's length before the body or beside it, from side to side
        place, swing = p.draw((-0.2, -0.4, 0.2), (0.5, 0.35, 1.0)), p.draw(0.4, 1.1)
        rate, lift = p.draw(0.3, 0.9), p.draw(-0.2, 0.2)
    elif kind < 0.65:  # overhead or far out, in large arcs
        place, swing = p.draw((0.0, 0.5, 0.0), (0.6, 1.0, 0.4)), p.draw(0.4, 0.9)
        rate, lift = p.draw(0.3, 1.2), p.draw(-0.6, -0.1)
    else:  # with the forearm, beside the shoulder
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


def something_else(p: Puppet) -> None:
    """Do something that is no action of the vocabulary.

    The hands go to the head or elsewhere, stay, and come back, or the body shifts its weight.
    """
    _sometimes_seated(p)
    kind = p.rng.random()
    if kind < 0.25:  # to the head or mouth, as with a phone or a cup, or to scratch
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
    else:  # shifts from foot to foot and looks round
        time = p.draw(0.3, 1.0)
        p.hips[:, 0] += p.draw(-0.25, 0.25) * p.rise(time, time + p.draw(0.4, 1.0))
        p.twist += p.draw(-0.6, 0.6) * p.between(time, p.seconds, 0.7)
        p.lean += p.draw(-0.1, 0.25) * p.between(time, p.seconds, 0.7)
