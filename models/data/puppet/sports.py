"""Actions of sports: golf, tennis, pull-ups, throws, punches and kicks."""

import numpy as np

from models.data.puppet.body import Puppet


def golf(p: Puppet) -> None:
    """Swing a golf club with both hands, to either side."""
    p.lean += p.draw(0.25, 0.65)
    way = p.rng.choice((-1, 1))  # 1 swings from right to left
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
    elif kind < 0.85:  # underhand
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
