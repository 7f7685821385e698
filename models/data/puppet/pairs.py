"""Interactions of two people.

Both puppets act in coordinates of their own. Each function returns the position of the second one,
in torso lengths forward of the first one's origin. A positive one stands face to face with the
first, a negative one behind and facing the same way.
"""

import numpy as np

from models.data.puppet.body import Puppet, acting_hands
from models.data.puppet.sports import kick, punch
from models.data.puppet.whole_body import push


def _flinch(p: Puppet, when: float) -> None:
    """Back off and bend as if hit at a time, with the hands coming up."""
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
    """Hug the other.

    Some step up and press their whole bodies together, others lean over from where they stand.
    """
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
