"""A tracked person: where they were, how they move, and where they are expected."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.pose.crops import rotate

SHOULDERS, HIPS, LEGS = [5, 6], [11, 12], [13, 14, 15, 16]
TORSO = [*SHOULDERS, *HIPS]
IN_TORSO = np.isin(np.arange(17), TORSO)
BODY = slice(5, 17)
"""All joints but those of the head."""
MARGIN = 0.1
"""Margin around the keypoints in a person's box, as a fraction of the body's longer side."""
ESTIMATE_LOST = 0.5
"""Seconds for which the pose of a lost person is still estimated where they are expected."""
REPORT_LOST = 0.3
"""Seconds for which a lost person is still reported, with absent joints."""
KEEP_LOST = 2.0
"""Seconds for which a lost track is kept, so that the person can return under the same id."""
KEEP_OCCLUDED = 10.0
"""The same for a person who disappeared behind another one, who is still there."""
VELOCITY_SPAN = 0.15
"""Time constant of the smoothing of velocity, in seconds."""
VELOCITY_DECAY = 0.5
"""Time constant with which a lost person's velocity decays, in seconds."""
SHRINK_SPAN = 0.3
"""Time constant with which a box shrinks to a body that became smaller, in seconds."""

MIN_LEAN = np.radians(20)
"""Lean of the torso from which a crop that is turned with it is tried."""
TURN_STEP = np.radians(5)
"""Change of the lean from which a turned crop follows it."""
TRIAL_PERIOD = 0.25
"""Seconds between trials of the turned and the upright crop."""
TURN_MARGIN = 0.03
"""Mean joint score by which the other crop must be better to be used from now on. Bodies that lie
or bend as they do in most pictures have better joints in an upright crop (push-ups: 0.59 upright,
0.50 turned); cameras and bodies upside down in a turned one. The score tells which."""


@dataclass
class Person:
    """One tracked person in one frame.

    Attributes:
        id: the same for as long as the person is tracked, counted from 1.
        box: float32 [5], x1, y1, x2, y2 in pixels and score.
        keypoints: float32 [17, 3], x, y in pixels and score, in COCO order. An absent joint has a
            score below the pose model's threshold.
    """

    id: int
    box: np.ndarray
    keypoints: np.ndarray


@dataclass(eq=False)
class Track:
    """What is known of one person over time; lengths in pixels, times in seconds.

    Attributes:
        keypoints: [17, 3], the last pose.
        box: [4], around the last pose.
        last_seen: time of the last pose.
        id: None until the track is confirmed.
        first_seen: time of the first pose.
        hits: number of poses so far.
        plausible_hits: how many of them show the body that the detector saw, until there is an id.
        last_detected: time of the last matching detection.
        detected_pose: [17, 3], the pose of that detection.
        velocity: [2], smoothed.
        turn: angle of the crop, clockwise in radians; 0 is upright.
        occluder: the person behind whom this one has disappeared, or None.
        prominence: how much the person matters, smoothed; see `Tracker.most_prominent`.
    """

    keypoints: np.ndarray
    box: np.ndarray
    last_seen: float
    id: int | None = None
    first_seen: float = field(init=False)
    hits: int = 0
    plausible_hits: int = 0
    last_detected: float = -np.inf
    detected_pose: np.ndarray | None = None
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2, np.float32))
    prominence: float = field(init=False)
    turn: float = 0.0
    occluder: Track | None = None
    _last_trial: float = -np.inf
    _occluder_centre: np.ndarray = field(default_factory=lambda: np.zeros(2, np.float32))

    def __post_init__(self) -> None:
        self.prominence, self.first_seen = self.size, self.last_seen

    @property
    def size(self) -> float:
        """Square root of the box's area."""
        return float(np.sqrt(np.prod(self.box[2:] - self.box[:2])))

    @property
    def max_lost(self) -> float:
        """Seconds without a pose after which the track ends; fewer while it is unconfirmed."""
        if self.id is None:
            return REPORT_LOST
        return KEEP_LOST if self.occluder is None else KEEP_OCCLUDED

    @property
    def centre(self) -> np.ndarray:
        """Middle of the box, [2]."""
        return (self.box[:2] + self.box[2:]) / 2

    def add_detection(self, time: float, box: np.ndarray, pose: np.ndarray) -> None:
        """Take a matching detection: a box [4] and a pose [17, 3].

        A lost person is expected there from now on.
        """
        self.last_detected, self.detected_pose = time, pose
        if time - self.last_seen > ESTIMATE_LOST or self.occluder is not None:
            self.keypoints, self.box, self.last_seen = pose, box, time
            self.velocity[:] = 0
            self.occluder = None

    def displacement(self, time: float) -> np.ndarray:
        """Expected movement [2] since the last pose."""
        decay = np.exp(-(time - self.last_seen) / VELOCITY_DECAY)
        return self.velocity * VELOCITY_DECAY * (1 - decay)

    def expected_keypoints(self, time: float) -> np.ndarray:
        """Where the joints are expected, [17, 3]."""
        moved = self.keypoints.copy()
        moved[:, :2] += self.displacement(time)
        return moved

    def expected_box(self, time: float) -> np.ndarray:
        """Where the box is expected, [4]."""
        x, y = self.displacement(time)
        return self.box + (x, y, x, y)

    def lean(self, threshold: float) -> float | None:
        """Angle of the body in the last pose, clockwise in radians; None if it cannot be seen.

        The body's axis runs from the legs to the shoulders, or from the hips where no leg is
        visible.
        """
        visible = self.keypoints[:, 2] >= threshold
        ends = []
        for joints in ((SHOULDERS,), (LEGS, HIPS)):
            seen = next(
                (np.array(part)[visible[part]] for part in joints if visible[part].any()), None
            )
            if seen is None:
                return None
            ends.append(self.keypoints[seen, :2].mean(0))
        x, y = ends[0] - ends[1]
        return float(np.arctan2(x, -y))

    def crop_turns(self, time: float, threshold: float) -> list[float]:
        """The angles of the crops to estimate the pose in: the one in use, at times one to compare.

        A turned crop follows the torso. While the torso leans, it is compared with the upright one
        from time to time. See `choose_turn`.
        """
        lean = self.lean(threshold)
        if lean is None:
            return [self.turn]
        if abs(lean) < MIN_LEAN:
            self.turn = 0.0
            return [0.0]
        if self.turn and abs(np.angle(np.exp(1j * (lean - self.turn)))) > TURN_STEP:
            self.turn = lean
        if time - self._last_trial < TRIAL_PERIOD:
            return [self.turn]
        self._last_trial = time
        return [self.turn, 0.0 if self.turn else lean]

    def choose_turn(self, turns: list[float], poses: np.ndarray) -> np.ndarray:
        """Take the pose [17, 3] of the better crop, and use its angle from now on.

        Args:
            turns: as `crop_turns` gave them.
            poses: [1 or 2, 17, 3], of each.
        """
        scores = poses[:, BODY, 2].mean(1)
        best = 1 if len(poses) > 1 and scores[1] > scores[0] + TURN_MARGIN else 0
        self.turn = turns[best]
        pose: np.ndarray = poses[best]
        return pose

    def crop_box(self, time: float, threshold: float, turn: float = 0.0) -> np.ndarray:
        """The box [4] to crop, before it is turned by an angle in radians, the torso in the middle.

        Single-person networks estimate the person in the middle of a crop. An outstretched arm, or
        another person's arm in this pose, would move the middle elsewhere.
        """
        keypoints = self.expected_keypoints(time)
        box = self.expected_box(time)
        if turn:
            keypoints[:, :2] = rotate(keypoints[:, :2], -turn)
            visible = (keypoints[:, 2] >= threshold).sum() >= 2
            box = _extent(keypoints, threshold if visible else 0.0)
        x1, y1, x2, y2 = box
        torso = keypoints[TORSO][keypoints[TORSO, 2] >= threshold, 0]
        if len(torso):
            middle = torso.mean()
            reach = max(middle - x1, x2 - middle)
            x1, x2 = middle - reach, middle + reach
        box = np.array([x1, y1, x2, y2])
        if turn:
            middle = rotate((box[:2] + box[2:]) / 2, turn)
            half = (box[2:] - box[:2]) / 2
            box = np.concatenate([middle - half, middle + half])
        return box

    def hide_behind(self, occluder: Track, time: float) -> None:
        """Note that the person has disappeared behind another one, with whom they move now."""
        self.keypoints, self.box = self.expected_keypoints(time), self.expected_box(time)
        self.velocity = np.zeros(2, np.float32)
        self.occluder, self._occluder_centre = occluder, occluder.centre

    def follow_occluder(self) -> None:
        """Move as the person in front has moved."""
        if self.occluder is not None:
            motion = self.occluder.centre - self._occluder_centre
            self.keypoints = self.keypoints + np.append(motion, 0).astype(np.float32)
            self.box = self.box + np.tile(motion, 2)
            self._occluder_centre = self.occluder.centre

    def add_pose(self, time: float, keypoints: np.ndarray, threshold: float) -> None:
        """Take the person's pose [17, 3] at `time`."""
        self.occluder = None
        elapsed = max(time - self.last_seen, 1e-3)
        self._update_velocity(elapsed, keypoints, threshold)
        body = _extent(keypoints, threshold)
        excess = (self.expected_box(time) - body) * np.array([-1, -1, 1, 1])
        remaining = 1 - smoothing_weight(elapsed, SHRINK_SPAN)
        self.box = body + np.maximum(excess, 0) * remaining * np.array([-1, -1, 1, 1])
        self.keypoints, self.last_seen = keypoints, time
        self.hits += 1

    def _update_velocity(self, elapsed: float, keypoints: np.ndarray, threshold: float) -> None:
        """Follow the joints that both poses have: those of the torso, or all if it has none."""
        both = np.minimum(keypoints[:, 2], self.keypoints[:, 2]) >= threshold
        anchors = both & IN_TORSO if both[TORSO].any() else both
        if anchors.any():
            step = np.median((keypoints - self.keypoints)[anchors, :2], axis=0)
            weight = smoothing_weight(elapsed, VELOCITY_SPAN)
            self.velocity += weight * (step / elapsed - self.velocity)


def smoothing_weight(elapsed: float, span: float) -> float:
    """Weight of a new value in exponential smoothing with time constant `span`."""
    return 1 - float(np.exp(-elapsed / span))


def _extent(keypoints: np.ndarray, threshold: float) -> np.ndarray:
    """Box [4] around the visible joints, with a margin for what reaches beyond them."""
    points = keypoints[keypoints[:, 2] >= threshold, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * (high - low).max()
    return np.concatenate([low - margin, high + margin])
