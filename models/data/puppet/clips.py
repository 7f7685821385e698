"""Clips of the puppet: the actions it knows, performed and filmed.

Everything that people do differently is drawn at random: body, size, speed, side, number of
repetitions, stance, heading and view. Nobody was recorded for these clips.
"""

from collections.abc import Callable

import numpy as np

from models.action.label import NOTHING
from models.data.puppet.body import Puppet
from models.data.puppet.exercises import (
    jump_rope,
    jumping_jack,
    lift_weights,
    lunge,
    push_up,
    sit_up,
    squat,
)
from models.data.puppet.gestures import (
    clap,
    cross_arms,
    draw_in_the_air,
    drink,
    phone_call,
    play_guitar,
    point,
    pour,
    raise_a_hand,
    something_else,
    swipe,
    wave,
)
from models.data.puppet.pairs import (
    approach,
    hand_over,
    hug,
    kick_someone,
    punch_someone,
    push_someone,
    shake_hands,
    walk_away,
)
from models.data.puppet.sports import (
    golf,
    kick,
    pitch_or_bowl,
    pull_up,
    punch,
    shoot_a_basketball,
    swing_a_bat,
    tennis,
    throw,
)
from models.data.puppet.whole_body import (
    bend_down,
    fall_down,
    jump,
    lie_down,
    push,
    run,
    sit_down,
    walk,
)
from models.data.pyskl import Clip

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
    "stand up": sit_down,  # reversed in time
    "throw": throw,
    "punch": punch,
    "draw in the air": draw_in_the_air,
    "kick": kick,
    "jumping jack": jumping_jack,
    "jump rope": jump_rope,
    "squat": squat,
    "lunge": lunge,
    "push up": push_up,
    "sit up": sit_up,
    "lift weights": lift_weights,
    "raise a hand": raise_a_hand,
    "point": point,
    "drink": drink,
    "phone call": phone_call,
    "swipe": swipe,
    "cross arms": cross_arms,
    "play guitar": play_guitar,
    "swing a bat": swing_a_bat,
    "pitch or bowl": pitch_or_bowl,
    "shoot a basketball": shoot_a_basketball,
    "fall down": fall_down,
    "lie down": lie_down,
    NOTHING: something_else,
}
"""Actions of one puppet."""

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
"""Actions of two puppets; the function returns where the second one is (see `pairs`)."""

KNOWN = {*ALONE, *TOGETHER}
"""Every label that can be performed."""

REVERSED = frozenset({"stand up"})
"""Labels whose clips are reversed in time."""


def perform(label: str, number: int) -> Clip:
    """Perform and film an action. The same label and number give the same clip.

    Args:
        label: a key of `ALONE` or `TOGETHER`.
        number: seed of the clip, not negative.

    Returns:
        A clip of 1.6 to 3.2 seconds at `FPS` with one or two people, in torso lengths; eyes and
        ears have a score of 0.

    Raises:
        KeyError: the puppet does not know the action.
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
    if label in REVERSED:
        points = points[:, ::-1]
    keypoints = np.ones((*points.shape[:-1], 3), np.float32)
    keypoints[..., :2] = np.nan_to_num(points)
    keypoints[..., 2] = ~np.isnan(points[..., 0])
    return Clip(f"puppet/{label} {number}", label, first.t, keypoints, unit=1.0)


def _film(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Project points through a random camera.

    Mostly, one person is seen from the front and two people from the side.

    Args:
        points: joints in space, [P, F, 17, 3].
        rng: draws the camera: its yaw, pitch and distance.

    Returns:
        x to the right and y down, in torso lengths at the distance of the people, [P, F, 17, 2].
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
