"""A tracked person: where they were, how they move, and where they are expected."""

from dataclasses import dataclass, field

import numpy as np

TORSO = [5, 6, 11, 12]
MARGIN = 0.1
"""Margin around the keypoints in a person's box, as a fraction of the body's longer side."""
ESTIMATE_LOST = 0.5
"""Seconds for which the pose of a lost person is still estimated where they are expected."""
REPORT_LOST = 0.3
"""Seconds for which a lost person is still reported, with absent joints."""
KEEP_LOST = 2.0
"""Seconds for which a lost track is kept, so that the person can return under the same id."""
VELOCITY_SPAN = 0.15
"""Time constant of the smoothing of velocity, in seconds."""
VELOCITY_DECAY = 0.5
"""Time constant with which a lost person's velocity decays, in seconds."""
SHRINK_SPAN = 0.3
"""Time constant with which a box shrinks to a body that became smaller, in seconds."""


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
        hits: number of poses so far.
        last_detected: time of the last matching detection.
        detected_pose: [17, 3], the pose of that detection.
        velocity: [2], smoothed.
        prominence: how much the person matters, smoothed; see `Tracker.most_prominent`.
    """

    keypoints: np.ndarray
    box: np.ndarray
    last_seen: float
    id: int | None = None
    hits: int = 0
    last_detected: float = -np.inf
    detected_pose: np.ndarray | None = None
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2, np.float32))
    prominence: float = field(init=False)

    def __post_init__(self) -> None:
        self.prominence = self.size

    @property
    def size(self) -> float:
        """Square root of the box's area."""
        return float(np.sqrt(np.prod(self.box[2:] - self.box[:2])))

    @property
    def max_lost(self) -> float:
        """Seconds without a pose after which the track ends; fewer while it is unconfirmed."""
        return KEEP_LOST if self.id else REPORT_LOST

    @property
    def centre(self) -> np.ndarray:
        """Middle of the box, [2]."""
        return (self.box[:2] + self.box[2:]) / 2

    def add_detection(self, time: float, box: np.ndarray, pose: np.ndarray) -> None:
        """Take a matching detection: a box [4] and a pose [17, 3].

        A lost person is expected there from now on.
        """
        self.last_detected, self.detected_pose = time, pose
        if time - self.last_seen > ESTIMATE_LOST:
            self.keypoints, self.box, self.last_seen = pose, box, time
            self.velocity[:] = 0

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
        return self.box + np.tile(self.displacement(time), 2)

    def crop_box(self, time: float, threshold: float) -> np.ndarray:
        """The expected box [4], widened until the torso is in the middle.

        Single-person networks estimate the person in the middle of a crop. An outstretched arm, or
        another person's arm in this pose, would move the middle elsewhere.
        """
        x1, y1, x2, y2 = self.expected_box(time)
        torso = self.keypoints[TORSO][self.keypoints[TORSO, 2] >= threshold, 0]
        if not len(torso):
            return np.array([x1, y1, x2, y2])
        middle = torso.mean() + self.displacement(time)[0]
        reach = max(middle - x1, x2 - middle)
        return np.array([middle - reach, y1, middle + reach, y2])

    def add_pose(self, time: float, keypoints: np.ndarray, threshold: float) -> None:
        """Take the person's pose [17, 3] at `time`."""
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
        anchors = both & np.isin(np.arange(17), TORSO) if both[TORSO].any() else both
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
