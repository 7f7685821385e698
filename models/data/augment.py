"""Augmentation of keypoints: other bodies, other cameras, and the errors of a pose estimator.

Points are x and y in torso lengths, NaN where a joint is not visible, and a score of 0 or 1,
float32 [P, F, 17, 3]. All random numbers come from one generator, so that a sample is a pure
function of its seed.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np

from models.skeleton import FLIP, JOINTS, PARTS

# Joints from the hips outward, each with the two joints midway between which its bone begins. The
# bones of one row begin where those of the rows before it end.
_TREE = (
    ((5, 11, 11), (6, 12, 12), (13, 11, 11), (14, 12, 12)),
    ((0, 5, 6), (7, 5, 5), (8, 6, 6), (15, 13, 13), (16, 14, 14)),
    ((9, 7, 7), (10, 8, 8)),
)
_LEVELS = [tuple(list(column) for column in zip(*level, strict=True)) for level in _TREE]
_JOINT, _FIRST, _SECOND = (list(chain(*parts)) for parts in zip(*_LEVELS, strict=True))
_FORWARD = np.full(len(JOINTS), 0.8, np.float32)
_FORWARD[[15, 16]] *= -1  # foreshortened shanks point back, other bones forward
_SHAKY = np.ones(len(JOINTS), np.float32)
_SHAKY[[9, 10, 15, 16]] = 1.6  # estimators are worst at wrists and ankles
HIPS, LEGS = [11, 12], [13, 14, 15, 16]
_CONTACT = 1.6
"""Distance between the torsos of two people who touch, torso lengths."""
_SWAPS = ([5, 7, 9], [11, 13, 15], [5, 7, 9, 11, 13, 15])


@dataclass(frozen=True)
class Augmentation:
    """Strengths of the augmentations. A strength of 0 switches one off.

    With all of them off, only the order of the people is drawn.

    Attributes:
        turn: maximum yaw of the camera, radians; depth is estimated from foreshortening. Of clips
            in space, which are filmed by `models.data.camera.Cameras`, none; the same for `depth`.
        roll: maximum rotation in the image plane, radians.
        stretch: maximum change of the aspect ratio, and maximum shear, as a fraction.
        speed: maximum change of speed, as a fraction (0.4: from 0.71 to 1.4 times).
        proportions: maximum change of the length of each bone, as a fraction.
        head: standard deviation of the offset between the centre of a head and the nose, torso
            lengths.
        depth: maximum change of the size of one person relative to the other, as a fraction.
        jitter: maximum standard deviation of white noise on the joints, torso lengths.
        sway: the same for noise that is correlated over about a fifth of a second.
        swaps: probability that left and right joints are swapped for a while.
        slips: probability that joints jump elsewhere for a few frames.
        dropout: probability, for each joint, that it is missing for a while or throughout.
        parts: probability that whole parts of the body are missing, or a person for a while.
        cut: probability that the edge of the frame cuts off a part of the body.
        legs: probability that the legs of all people are missing throughout, and half as often the
            hips, as before a camera on a desk.
        clash: probability that joints of two overlapping people are lost or assigned to the other.
        hidden: probability that one of two people is missing from some moment on, mostly from when
            they touch, as in an embrace: for a while or to the end.
        mirror: whether to mirror half of the samples.
        bodies: probability, for each person, to take the bone lengths of a person of another clip.
        pan: standard deviation of the speed of a panning camera, torso lengths a second.
    """

    turn: float = 0.0
    roll: float = 0.0
    stretch: float = 0.0
    speed: float = 0.0
    proportions: float = 0.0
    head: float = 0.0
    depth: float = 0.0
    jitter: float = 0.0
    sway: float = 0.0
    swaps: float = 0.0
    slips: float = 0.0
    dropout: float = 0.0
    parts: float = 0.0
    cut: float = 0.0
    legs: float = 0.0
    clash: float = 0.0
    hidden: float = 0.0
    mirror: bool = False
    bodies: float = 0.0
    pan: float = 0.0

    def change_bodies(
        self, people: np.ndarray, rng: np.random.Generator, bodies: np.ndarray | None = None
    ) -> None:
        """Give people other bodies, in place.

        Args:
            people: joints in the plane or in space, [P, F, 17, 2 or 3], torso lengths.
            rng: source of the random choices.
            bodies: bone lengths to draw from, [K, 17], as `bone_lengths` returns them.
        """
        for person in people:
            if bodies is not None and rng.random() < self.bodies:
                _exchange_body(person, bodies[rng.integers(len(bodies))])
        if self.proportions or self.head:
            _reshape_bodies(people, self.proportions, self.head, rng)

    def transform(
        self,
        points: np.ndarray,
        fps: float,
        rng: np.random.Generator,
        bodies: np.ndarray | None = None,
        filmed: bool = False,
    ) -> np.ndarray:
        """Change the bodies and the camera.

        Args:
            points: [P, F, 17, 3], torso lengths; left as they are.
            fps: frames a second.
            rng: source of the random choices.
            bodies: as in `change_bodies`.
            filmed: whether the points were filmed in space by a random camera. Bodies and the point
                of view stay as they are then.

        Returns:
            New points [P, F, 17, 3], the people in random order.
        """
        points = points.copy()
        xy = points[..., :2]
        if not filmed:
            self.change_bodies(xy, rng, bodies)
            if self.turn:
                _turn(xy, rng.uniform(-self.turn, self.turn))
            if self.depth and len(xy) > 1:
                _change_depth(xy, self.depth, rng)
        _transform_plane(xy, self.roll, self.stretch, rng)
        if self.mirror and rng.random() < 0.5:
            points = mirrored(points)
        if self.pan:
            _pan(points[..., :2], fps, self.pan, rng)
        return points[::-1] if rng.random() < 0.5 else points

    def corrupt(self, points: np.ndarray, fps: float, rng: np.random.Generator) -> np.ndarray:
        """Add the errors of a pose estimator.

        Args:
            points: [P, F, 17, 3], torso lengths; left as they are.
            fps: frames a second.
            rng: source of the random choices.

        Returns:
            New points [P, F, 17, 3]. Joints that are lost are NaN with a score of 0.
        """
        points = points.copy()
        if self.hidden and len(points) > 1 and rng.random() < self.hidden:
            _hide_person(points, fps, rng)
        if self.clash and len(points) > 1 and rng.random() < self.clash:
            _confuse_people(points, rng)
        for person in points:
            if rng.random() < self.swaps:
                _swap_sides(person, fps, rng)
            if rng.random() < self.slips:
                _slip(person, fps, rng)
        _add_noise(
            points[..., :2], rng.uniform(0, self.jitter), rng.uniform(0, self.sway), fps, rng
        )
        if rng.random() < self.cut:
            _cut_by_frame(points, rng)
        for person in points:
            _drop_joints(person, self.dropout, fps, rng)
            if rng.random() < self.parts:
                _drop_parts(person, fps, rng)
        if self.legs and rng.random() < self.legs:
            points[:, :, LEGS if rng.random() < 0.5 else LEGS + HIPS] = np.nan
        points[np.isnan(points[..., 0]), 2] = 0
        return points

    def draw_speed(self, rng: np.random.Generator) -> float:
        """Draw the factor by which to speed a clip up."""
        return float((1 + self.speed) ** rng.uniform(-1, 1))


def mirrored(points: np.ndarray) -> np.ndarray:
    """Mirror points [..., 17, C]: negate x, and exchange left and right joints."""
    points = points[..., list(FLIP), :]
    points[..., 0] *= -1
    return points


def visible_mean(points: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Average points over axes, leaving out absent joints; NaN where all of them are absent."""
    count = (~np.isnan(points)).sum(axis=axis)
    return np.asarray(np.nansum(points, axis=axis) / np.where(count, count, np.nan))


def sway(
    shape: tuple[int, ...], fps: float, rng: np.random.Generator, rate: float = 5.0
) -> np.ndarray:
    """Draw smooth noise by linear interpolation between random knots.

    Args:
        shape: [F, ...], the frames first.
        fps: frames a second.
        rng: draws the knots, of unit variance.
        rate: knots a second.

    Returns:
        float32 array of this shape.
    """
    frames = shape[0]
    knots = rng.standard_normal((int(frames / fps * rate) + 2, *shape[1:]), dtype=np.float32)
    place = np.arange(frames) * min(rate / fps, 1) + rng.random() * 0.99
    place = np.minimum(place, len(knots) - 1.001)
    left = place.astype(int)
    weight = (place - left).astype(np.float32).reshape(-1, *[1] * (len(shape) - 1))
    return knots[left] * (1 - weight) + knots[left + 1] * weight


def _bones(joints: np.ndarray) -> np.ndarray:
    """Compute the vectors along the bones of `_TREE`, [11, ...], from joints [17, ...]."""
    return joints[_JOINT] - (joints[_FIRST] + joints[_SECOND]) / 2


def bone_lengths(xy: np.ndarray) -> np.ndarray:
    """Measure the length of the bone that ends in each joint.

    Projection shortens bones, so the 0.9 quantile over time is taken, and of left and right the
    longer.

    Args:
        xy: joints of one person in the plane or in space, [F, 17, 2 or 3].

    Returns:
        Lengths in the unit of `xy`, float32 [17]; NaN where the bone is never visible, or the
        joint ends none.
    """
    lengths = np.full((len(xy), len(JOINTS)), np.nan, np.float32)
    lengths[:, _JOINT] = np.linalg.norm(_bones(xy.swapaxes(0, 1)), axis=-1).T
    lengths.sort(axis=0)
    place = np.round(0.9 * ((~np.isnan(lengths)).sum(axis=0) - 1).clip(0)).astype(int)
    lengths = np.take_along_axis(lengths, place[None], axis=0)[0]
    return np.fmax(lengths, lengths[list(FLIP)])


def _reshape_bodies(
    people: np.ndarray, amount: float, head: float, rng: np.random.Generator
) -> None:
    """Change bone lengths, the width of the hips and the place of the nose of each person."""
    for person in people:
        wide = 1 + rng.uniform(-amount, amount)
        factor = 1 + rng.uniform(-amount, amount, len(JOINTS)).astype(np.float32)
        factor = np.sqrt(factor * factor[list(FLIP)])  # the same left and right
        _stretch_bones(person, factor, wide)
        person[:, 0] += rng.normal(0, head, people.shape[-1])


def _exchange_body(person: np.ndarray, lengths: np.ndarray) -> None:
    """Give a person [F, 17, D] other bone lengths [17]; a bone of unknown length stays."""
    factor = lengths / np.maximum(bone_lengths(person), 0.05)
    _stretch_bones(person, np.nan_to_num(np.clip(factor, 0.5, 2.0), nan=1.0))


def _stretch_bones(person: np.ndarray, factor: np.ndarray, wide: float = 1.0) -> None:
    """Scale the bones of a person [F, 17, D] by factors [17], and the width of the hips."""
    old = person.swapaxes(0, 1).copy()  # [17, F, D]: whole joints are copied several times faster
    new = old.copy()
    middle = (old[11] + old[12]) / 2
    for hip in (11, 12):
        new[hip] = middle + wide * (old[hip] - middle)
    bones = np.zeros_like(old)
    bones[_JOINT] = _bones(old) * factor[_JOINT, None, None]
    for joints, first, second in _LEVELS:
        moved = (new[first] + new[second]) / 2 + bones[joints]
        new[joints] = np.where(np.isnan(moved), new[joints], moved)
    person[:] = new.swapaxes(0, 1)


def _turn(xy: np.ndarray, angle: float) -> None:
    """Rotate the scene [P, F, 17, 2] about the vertical axis by an angle in radians.

    The depth of each joint is estimated: a bone has the largest length that it has in the clip, and
    where it looks shorter it points towards the viewer or away. Which of the two is ambiguous; the
    random sign of the angle covers both.
    """
    joints = np.moveaxis(xy, 2, 0).copy()  # [17, P, F, 2]
    depth = np.zeros(joints.shape[:-1], np.float32)
    square = np.nan_to_num(np.square(_bones(joints)).sum(axis=-1))
    offset = np.zeros_like(depth)
    offset[_JOINT] = np.sqrt(square.max(axis=2, keepdims=True) - square)
    offset *= _FORWARD[:, None, None]
    for level, first, second in _LEVELS:
        depth[level] = (depth[first] + depth[second]) / 2 + offset[level]
    xy[..., 0] = xy[..., 0] * np.cos(angle) + np.moveaxis(depth, 0, -1) * np.sin(angle)


def _pan(xy: np.ndarray, fps: float, speed: float, rng: np.random.Generator) -> None:
    """Pan at a constant speed in half of the cases, and shake a little."""
    frames = xy.shape[1]
    velocity = rng.normal(0, speed, 2) * (1, 0.25) * (rng.random() < 0.5)
    shake = sway((frames, 2), fps, rng, rate=2.0) * rng.uniform(0, 0.1 * speed)
    path = np.arange(frames)[:, None] / fps * velocity + shake
    xy += path[:, None].astype(np.float32)


def _change_depth(xy: np.ndarray, amount: float, rng: np.random.Generator) -> None:
    """Move one person nearer to the camera than the other, and change their distance."""
    centres = visible_mean(xy, axis=(1, 2))
    if np.isnan(centres).any():  # one of them is not here
        return
    apart = (centres[1] - centres[0]) * rng.uniform(-0.5, 0.5) * amount
    for person, centre, sign in zip(xy, centres, (-1, 1), strict=True):
        size = (1 + amount) ** rng.uniform(-0.5, 0.5)
        person[:] = (person - centre) * size + centre + sign * apart / 2
        person[..., 1] += rng.uniform(-0.5, 0.5) * amount


def _transform_plane(xy: np.ndarray, roll: float, stretch: float, rng: np.random.Generator) -> None:
    """Rotate, stretch and shear in the image plane."""
    angle = rng.uniform(-roll, roll)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wide = (1 + stretch) ** rng.uniform(-1, 1)
    matrix = rotation @ np.array([[wide, rng.uniform(-0.5, 0.5) * stretch], [0, 1]])
    xy[:] = xy @ matrix.T.astype(np.float32)


def _span(frames: int, fps: float, longest: float, rng: np.random.Generator) -> slice:
    """Draw a span of frames of at most `longest` seconds."""
    length = 1 + int(rng.uniform(0, longest) * fps)
    start = int(rng.integers(0, max(frames - length, 0) + 1))
    return slice(start, start + length)


def _swap_sides(person: np.ndarray, fps: float, rng: np.random.Generator) -> None:
    """Swap left and right arms, legs or both for up to 0.3 seconds, one to three times."""
    for _ in range(rng.integers(1, 4)):
        span = _span(len(person), fps, 0.3, rng)
        left = _SWAPS[rng.integers(len(_SWAPS))]
        right = [FLIP[joint] for joint in left]
        person[span, left + right] = person[span, right + left]


def _slip(person: np.ndarray, fps: float, rng: np.random.Generator) -> None:
    """Displace a joint for up to 0.2 seconds, one to four times."""
    for _ in range(rng.integers(1, 5)):
        span = _span(len(person), fps, 0.2, rng)
        person[span, rng.integers(len(JOINTS)), :2] += rng.normal(0, 0.5, 2)


def _add_noise(
    xy: np.ndarray, white: float, smooth: float, fps: float, rng: np.random.Generator
) -> None:
    """Add white and smooth noise, more of it to wrists and ankles."""
    for person in xy:
        noise = white * rng.standard_normal(person.shape, dtype=np.float32)
        noise += smooth * sway(person.shape, fps, rng)
        person += noise * _SHAKY[:, None]


def _drop_joints(person: np.ndarray, chance: float, fps: float, rng: np.random.Generator) -> None:
    """Lose each joint with a probability, for up to 0.8 seconds or throughout."""
    for joint in np.flatnonzero(rng.random(len(JOINTS)) < chance):
        if rng.random() < 0.3:
            person[:, joint] = np.nan
        else:
            person[_span(len(person), fps, 0.8, rng), joint] = np.nan


def _drop_parts(person: np.ndarray, fps: float, rng: np.random.Generator) -> None:
    """Lose a part of the body, both legs, or the whole person for a while."""
    kind = rng.random()
    if kind < 0.4:
        part = list(PARTS.values())[rng.integers(len(PARTS))]
        span = slice(None) if rng.random() < 0.5 else _span(len(person), fps, 1.0, rng)
        person[span, list(part)] = np.nan
    elif kind < 0.7:
        person[:, 13:] = np.nan  # both legs
    else:
        for _ in range(rng.integers(1, 4)):
            person[_span(len(person), fps, 0.4, rng)] = np.nan


def _cut_by_frame(points: np.ndarray, rng: np.random.Generator) -> None:
    """Cut the people off at the edge of the frame: at the hips or knees, or at a side."""
    xy = points[..., :2]
    hips = np.nanmean(xy[:, :, 11:13, 1]) if not np.isnan(xy[:, :, 11:13]).all() else 0
    if rng.random() < 0.7:
        outside = xy[..., 1] > hips + rng.uniform(-0.4, 1.2)
    else:
        edge = np.nanmax(xy[..., 0]) - rng.uniform(0, 0.8)
        outside = xy[..., 0] > edge
        if rng.random() < 0.5:
            outside = -xy[..., 0] > edge
    points[outside] = np.nan


def _confuse_people(points: np.ndarray, rng: np.random.Generator) -> None:
    """Lose, displace or misassign joints where two people overlap."""
    first, second = points if rng.random() < 0.5 else points[::-1]
    near = np.linalg.norm(first[..., :2] - second[:, 5:6, :2], axis=-1) < rng.uniform(0.2, 0.8)
    lost = near & (rng.random(near.shape) < rng.uniform(0, 0.6))
    taken = near & (rng.random(near.shape[1]) < 0.15)
    stray = near[..., None] * sway((*near.shape, 2), 30.0, rng) * rng.uniform(0, 0.3)
    first[..., :2] += stray.astype(np.float32)
    first[taken] = second[taken]
    first[lost] = np.nan


def _hide_person(points: np.ndarray, fps: float, rng: np.random.Generator) -> None:
    """Lose one of two people from when they first touch, for 0.3 seconds or more.

    In an embrace, one body hides the other. Those who never touch are lost from a random moment in
    the second half on.
    """
    torsos = points[:, :, PARTS["torso"], :2].mean(axis=2)
    touch = np.linalg.norm(torsos[0] - torsos[1], axis=-1) < _CONTACT
    frames = len(touch)
    start = int(touch.argmax()) if touch.any() else int(rng.integers(frames // 2, frames))
    longest = max((frames - start) / fps, 0.3)
    seconds = longest if rng.random() < 0.5 else rng.uniform(0.3, longest)
    points[rng.integers(2), start : start + round(seconds * fps)] = np.nan
