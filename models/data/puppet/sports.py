"""Actions of sports: golf, tennis, pull-ups, ball games, throws, punches and kicks."""

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


def swing_a_bat(p: Puppet) -> None:
    """Swing a bat with both hands, level, from over one shoulder to the other side."""
    way = p.rng.choice((-1, 1))  # 1 swings from right to left
    set_, load = p.draw((0.2, 0.5), (0.4, 1.1))
    hit = load + p.draw(0.15, 0.35)
    end = hit + p.draw(0.15, 0.35)
    ready = np.array([-way * p.draw(0.3, 0.55), p.draw(-0.15, 0.3), p.draw(0.1, 0.35)])
    back = ready + p.draw((-0.15, 0.0, -0.2), (0.15, 0.2, 0.0)) * (way, 1, 1)
    ball = np.array([way * p.draw(-0.1, 0.4), p.draw(-0.6, -0.1), p.draw(0.75, 1.0)])
    over = np.array([way * p.draw(0.5, 0.8), p.draw(-0.1, 0.4), p.draw(-0.1, 0.4)])
    hands = p.path((set_, ready), (load, back), (hit, ball), (end, over))
    for side, sign in enumerate((1, -1)):
        p.hands[side] = hands + (sign * 0.05, 0.05 * sign * way, 0)
    p.twist += p.path(
        (set_, way * -0.4), (load, way * -0.9), (hit, way * 0.3), (end, way * p.draw(0.6, 1.2))
    )
    front, wide = (0 if way > 0 else 1), p.draw(0.1, 0.4)
    p.feet[:, :, 0] += [[wide], [-wide]]
    p.hips[:, 1] -= p.draw(0.05, 0.3)
    step = p.rise(load - 0.2, hit)
    p.feet[front, :, 0] += way * p.draw(0.0, 0.6) * step
    p.feet[front, :, 1] += p.draw(0.0, 0.5) * p.between(load - 0.3, hit, 0.15)
    p.hips[:, 0] += way * p.draw(0.0, 0.35) * step
    p.lean += p.draw(0.05, 0.35)


def pitch_or_bowl(p: Puppet) -> None:
    """Pitch overhand after lifting the front leg, or bowl underhand or with a straight arm."""
    side = int(p.rng.random() < 0.8)
    kind = p.rng.random()
    if kind < 0.5:
        _pitch(p, side)
    elif kind < 0.8:
        _bowl_underhand(p, side)
    else:
        _bowl_overarm(p, side)


def _stride(p: Puppet, side: int, start: float, stop: float, far: float, low: float) -> None:
    """Step ahead with the foot opposite to a hand, and lower the hips over it."""
    step = p.rise(start, stop)
    p.feet[1 - side, :, 2] += far * step
    p.hips[:, 2] += 0.6 * far * step
    p.hips[:, 1] -= low * step
    p.feet[side, :, 1] += 0.2 * step  # on the toes


def _pitch(p: Puppet, side: int) -> None:
    lifted, turn = p.draw(0.4, 1.0), 1 if side else -1
    cocked = lifted + p.draw(0.3, 0.55)
    gone = cocked + p.draw(0.12, 0.25)
    end = gone + p.draw(0.2, 0.4)
    together = p.draw(-0.3, 0.3)
    mine = np.array([-p.body.shoulder + 0.05, together, 0.35])
    p.reach(
        side,
        (lifted, mine),
        (cocked, p.draw((0.4, 0.0, -0.7), (0.8, 0.5, -0.3))),
        (gone, p.draw((0.0, 0.4, 0.6), (0.4, 0.9, 0.9))),
        (end, p.draw((-0.9, -0.9, 0.2), (-0.5, -0.5, 0.7))),
    )
    p.reach(
        1 - side,
        (lifted, mine),
        (cocked, p.draw((0.1, -0.2, 0.7), (0.5, 0.3, 1.0))),
        (end, p.draw((0.0, -0.6, 0.0), (0.3, -0.2, 0.3))),
    )
    knee = p.draw((-0.1, 0.6, 0.1), (0.1, 1.3, 0.5)) * (turn, 1, 1)
    p.feet[1 - side] += p.path(
        (lifted - 0.4, np.zeros(3)), (lifted, knee), (cocked + 0.05, np.zeros(3))
    )
    _stride(p, side, lifted, cocked + 0.1, p.draw(1.0, 2.0), p.draw(0.2, 0.6))
    p.twist += turn * p.path((0.1, 0.0), (lifted, 1.0), (cocked, 0.9), (gone, -0.3), (end, -0.8))
    p.lean += p.path((cocked, -0.1), (end, p.draw(0.4, 1.2)))


def _bowl_underhand(p: Puppet, side: int) -> None:
    back = p.draw(0.6, 1.1)
    gone = back + p.draw(0.25, 0.5)
    p.walk(p.draw(0.8, 3.0), p.draw(0.6, 1.0), 0.15, 1 - p.rise(back - 0.2, back + 0.1))
    p.reach(
        side,
        (0.25, p.draw((-0.4, -0.6, 0.3), (0.0, -0.2, 0.5))),
        (back, p.draw((0.0, -0.7, -1.0), (0.3, -0.1, -0.7))),
        (gone, p.draw((-0.2, -1.0, 0.3), (0.1, -0.6, 0.7))),
        (gone + 0.3, p.draw((-0.4, 0.1, 0.5), (0.1, 0.8, 0.8))),
    )
    p.reach(1 - side, (gone, p.draw((0.4, -0.6, -0.4), (0.9, 0.0, 0.2))))
    _stride(p, side, back - 0.1, gone, p.draw(0.7, 1.7), p.draw(0.3, 0.8))
    p.lean += p.draw(0.3, 1.1) * p.rise(0.2, gone)


def _bowl_overarm(p: Puppet, side: int) -> None:
    start, turn = p.draw(0.5, 1.0), 1 if side else -1
    stop = start + p.draw(0.35, 0.6)
    p.walk(p.draw(2.5, 6.0), p.draw(1.0, 1.6), 0.4, 1 - 0.9 * p.rise(start, stop))
    around = p.path((start - 0.2, -np.pi / 2), (stop, 1.5 * np.pi))  # down, back, up, ahead, down
    wide, far = p.draw(0.05, 0.3), p.body.arm.sum() * 0.97
    circle = np.stack([wide + 0 * p.t, far * np.sin(around), -far * np.cos(around)], axis=1)
    p.hands[side] = p.at(side, circle)
    p.reach(1 - side, (start, (0.1, 0.9, 0.5)), (stop, (0.0, -0.7, -0.4)))
    p.feet[1 - side, :, 2] += p.draw(0.5, 1.2) * p.rise(start, stop - 0.1)
    p.twist += turn * p.path((start - 0.3, 0.3), (start, 0.8), (stop, -0.7))
    p.lean += p.path((start, -0.1), (stop + 0.1, p.draw(0.4, 1.0)))


def shoot_a_basketball(p: Puppet) -> None:
    """Lift a ball over the forehead and shoot it up and ahead, mostly with a jump."""
    side = int(p.rng.random() < 0.75)
    low, set_ = p.draw((0.3, 0.7), (0.6, 1.0))
    gone = set_ + p.draw(0.15, 0.35)
    stay = gone + p.draw(0.2, 0.6)
    ball = np.array([0.15 - p.body.shoulder, p.draw(-0.7, -0.2), p.draw(0.3, 0.6)])
    over = np.array([0.15 - p.body.shoulder, p.draw(0.3, 0.75), p.draw(0.25, 0.5)])
    out = np.array([p.draw(-0.3, 0.05), p.draw(0.85, 1.05), p.draw(0.3, 0.6)])
    guide = out - p.draw((-0.1, 0.0, 0.0), (0.1, 0.35, 0.2))
    back = stay + p.draw(0.4, 0.8)
    for hand, last in ((side, out), (1 - side, guide)):
        p.reach(hand, (low, ball), (set_, over), (gone, last), (stay, last), back=back)
    dip, flight = p.draw(0.1, 0.5), p.draw(0.3, 0.5)
    air = np.clip((p.t - set_ + 0.1) / flight, 0, 1)
    arc = 4 * air * (1 - air) * p.draw(0.1, 0.7) * (p.rng.random() < 0.8)
    crouch = dip * p.between(low - 0.3, set_, 0.25)
    p.hips[:, 1] += arc - crouch
    p.feet[:, :, 1] += arc
    p.lean += 0.5 * crouch


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
