"""Gestures: actions of the hands while the body stands or sits."""

import numpy as np

from models.data.puppet.body import Puppet, acting_hands, drift


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


def _at_head(p: Puppet, out: float, up: float, ahead: float) -> np.ndarray:
    """Return a place for `reach`, given outward of the neck, and up and forward of the nose."""
    return np.array([out - p.body.shoulder, p.body.head[1] + up, p.body.head[2] + ahead])


def raise_a_hand(p: Puppet) -> None:
    """Raise one hand or both above the shoulders, and hold them there."""
    _sometimes_seated(p)
    start, stop = _span(p, 0.6)
    slow = p.draw(0.3, 1.0)
    low, high = ((-0.15, 0.75, -0.1), (0.35, 1.1, 0.35))
    if p.rng.random() < 0.35:  # with the elbow bent
        low, high = ((-0.1, 0.35, 0.1), (0.35, 0.7, 0.5))
    place, holds = p.draw(low, high), p.rng.random() < 0.65
    for side in acting_hands(p, 0.35):
        mine = place + p.draw(-0.08, 0.08)
        p.reach(side, (start + slow, mine), back=None if holds else stop)


def point(p: Puppet) -> None:
    """Point with an outstretched arm: ahead, aside, across, up or down."""
    _sometimes_seated(p)
    side = int(p.rng.random() < 0.75)
    start, _ = _span(p, 0.8)
    time, keys = start + p.draw(0.25, 0.7), []
    for _ in range(p.rng.integers(1, 3)):
        around, up = p.draw(-0.6, 1.6), p.draw(-0.6, 0.6)
        way = (np.cos(up) * np.sin(around), np.sin(up), np.cos(up) * np.cos(around))
        place = np.array(way) * p.body.arm.sum() * p.draw(0.88, 0.99)
        stay = time + p.draw(0.4, 1.6)
        keys += [(time, place), (stay, place)]
        time = stay + p.draw(0.3, 0.6)
    p.reach(side, *keys, back=time + 0.4 if p.rng.random() < 0.6 else None)
    p.twist += (1 if side == 0 else -1) * p.draw(-0.2, 0.4) * p.rise(start, start + 0.5)


def drink(p: Puppet) -> None:
    """Lift a cup to the mouth, tip it, and lower it, once or twice."""
    _sometimes_seated(p)
    time, sides = p.draw(0.3, 0.9), acting_hands(p, 0.15)
    low = p.draw((-0.4, -0.85, 0.3), (0.1, -0.5, 0.7))
    out, up, ahead = p.draw((0.03, -0.25, 0.1), (0.15, -0.05, 0.3))
    keys = [(time, low)]
    for _ in range(p.rng.integers(1, 3)):
        up_at, gone = time + p.draw(0.4, 0.9), p.draw(0.4, 1.5)
        keys.append((up_at, _at_head(p, out, up, ahead)))
        keys.append((up_at + gone, _at_head(p, out, up + p.draw(0.0, 0.15), ahead)))
        p.lean -= p.draw(0.0, 0.2) * p.between(up_at, up_at + gone + 0.3, 0.3)
        time = up_at + gone + p.draw(0.4, 0.9)
        keys.append((time, low))
    back = time + p.draw(0.4, 0.8) if p.rng.random() < 0.4 else None
    for side in sides:
        p.reach(side, *keys, back=back)


def phone_call(p: Puppet) -> None:
    """Hold a phone to the ear and keep it there, sometimes walking."""
    if p.rng.random() < 0.2:
        p.walk(p.draw(0.8, 2.5), p.draw(0.6, 1.0), p.draw(0.1, 0.3))
    else:
        _sometimes_seated(p)
    side = int(p.rng.random() < 0.7)
    ear = _at_head(p, *p.draw((0.2, -0.1, -0.15), (0.38, 0.12, 0.05)))
    start, slow = p.draw(0.1, 0.8), p.draw(0.4, 0.9)
    if p.rng.random() < 0.35:  # calls already
        p.hands[side] = p.at(side, ear)
    else:
        p.reach(side, (start + slow, ear))
    p.bow += (1 if side else -1) * p.draw(0.0, 0.12)


def swipe(p: Puppet) -> None:
    """Sweep one hand across the body, once or twice, in either direction."""
    _sometimes_seated(p)
    side = int(p.rng.random() < 0.75)
    height, ahead, fall = p.draw((-0.5, 0.5, -0.15), (0.35, 0.9, 0.15))
    out = np.array([p.draw(0.2, 0.8), height, ahead])
    across = np.array([p.draw(-1.0, -0.45), height + fall, ahead])
    first, last = (out, across) if p.rng.random() < 0.65 else (across, out)
    time, keys = p.draw(0.3, 0.8), []
    for _ in range(p.rng.integers(1, 3)):
        done = time + p.draw(0.2, 0.55)
        keys += [(time, first), (done, last)]
        time = done + p.draw(0.3, 0.6)
    p.reach(side, *keys, back=keys[-1][0] + p.draw(0.4, 0.8))


def cross_arms(p: Puppet) -> None:
    """Fold the arms before the chest and keep them so."""
    _sometimes_seated(p)
    start, slow = p.draw(0.1, 0.9), p.draw(0.4, 0.9)
    height, ahead, past = p.draw((-0.6, 0.2, 0.1), (-0.25, 0.4, 0.4))
    already, stays = p.rng.random() < 0.25, p.rng.random() < 0.8
    for side, nearer in enumerate(p.rng.permutation((0.0, 0.08))):
        place = (-p.body.shoulder - past, height + p.draw(-0.08, 0.08), ahead + nearer)
        if already:
            p.hands[side] = p.at(side, place)
        else:
            p.reach(side, (start + slow, place), back=None if stays else p.seconds)


def play_guitar(p: Puppet) -> None:
    """Strum with one hand, and hold the neck of the guitar with the other."""
    _sometimes_seated(p)
    strums = int(p.rng.random() < 0.85)
    neck = p.draw((0.25, -0.6, 0.3), (0.75, -0.05, 0.6))
    strings = p.draw((-0.5, -0.85, 0.2), (-0.15, -0.5, 0.4))
    p.hands[1 - strums] = p.at(1 - strums, neck)
    slide = p.draw(0.0, 0.1) * drift(len(p.t), 1, p.rng)
    p.hands[1 - strums] += slide * ((1 if strums else -1), 0.3, -0.2)
    beat = np.sin(2 * np.pi * (p.draw(1.2, 4.5) * p.t + p.rng.random()))
    p.hands[strums] = p.at(strums, strings)
    p.hands[strums] += (p.draw(0.04, 0.25) * beat)[:, None] * p.draw(
        (-0.3, 0.8, 0), (0.3, 1.0, 0.2)
    )
    p.lean += p.draw(-0.05, 0.3) + p.draw(0.0, 0.06) * beat
    p.bow += p.draw(-0.1, 0.1)


def something_else(p: Puppet) -> None:
    """Do something that is no action of the vocabulary.

    The hands go somewhere below the shoulders, stay, and come back, or the body shifts its weight.
    """
    _sometimes_seated(p)
    kind = p.rng.random()
    if kind < 0.3:  # hands on the hips, behind the back, or at the clothes
        low, high = (
            ((0.0, -0.95, 0.0), (0.15, -0.75, 0.2)),
            ((-0.5, -0.95, -0.4), (-0.2, -0.6, -0.2)),
            ((-0.45, -0.95, 0.2), (-0.1, -0.3, 0.35)),
        )[p.rng.integers(3)]
        start, stop = _span(p, 1.0)
        stays, fumble = p.rng.random() < 0.6, p.draw(0.0, 0.08)
        for side in acting_hands(p, 0.7):
            p.reach(side, (start + 0.5, p.draw(low, high)), back=None if stays else stop)
            p.hands[side] += fumble * drift(len(p.t), 3, p.rng)
    elif kind < 0.6:
        for side in acting_hands(p, 0.5):
            time, keys = p.draw(0.3, 0.8), []
            for _ in range(p.rng.integers(1, 3)):
                place = p.draw((-0.3, -1.0, -0.1), (0.6, -0.25, 0.6))
                stay = time + p.draw(0.3, 1.0)
                keys += [(time, place), (stay, place)]
                time = stay + p.draw(0.4, 1.0)
            p.reach(side, *keys, back=time)
    else:  # shifts from foot to foot and looks round
        time = p.draw(0.3, 1.0)
        p.hips[:, 0] += p.draw(-0.25, 0.25) * p.rise(time, time + p.draw(0.4, 1.0))
        p.twist += p.draw(-0.6, 0.6) * p.between(time, p.seconds, 0.7)
        p.lean += p.draw(-0.1, 0.25) * p.between(time, p.seconds, 0.7)
