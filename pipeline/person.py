"""Somebody who is followed: where they were, how they move, where they are expected."""

from dataclasses import dataclass, field

import numpy as np

TORSO = [5, 6, 11, 12]
MARGIN = 0.1
"""Width of the rim around the joints in a person's box, in heights of the body."""
CROP_GAP = 0.5
"""Seconds for which an unseen person is still looked for where they are expected."""
HIDDEN = 0.3
"""Seconds for which an unseen person is still reported, with absent joints."""
PATIENCE = 2.0
"""Seconds that a person may be out of sight and come back under the same id."""
VELOCITY_SPAN = 0.15
"""Time constant, in seconds, of the smoothing of velocity."""
COASTING = 0.5
"""Time constant, in seconds, in which an unseen person's velocity dies away."""
SHRINKING = 0.3
"""Time constant, in seconds, in which a box follows a body that became smaller."""


@dataclass
class Person:
    """One tracked person in one frame.

    Attributes:
        id: stable for as long as the person is followed, counted from 1.
        box: float32 [5], x1, y1, x2, y2 in pixels and score.
        keypoints: float32 [17, 3], x, y in pixels and score, in COCO order. A joint that was not
            seen has a score under the pose model's threshold.
    """

    id: int
    box: np.ndarray
    keypoints: np.ndarray


@dataclass(eq=False)
class Track:
    """What is remembered of one person; times in seconds, lengths in pixels."""

    keypoints: np.ndarray
    box: np.ndarray
    seen: float
    id: int | None = None
    looks: int = 0
    recognised: float = -np.inf
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2, np.float32))
    prominence: float = field(init=False)
    detected: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.prominence = self.size

    @property
    def size(self) -> float:
        """Side of the square that is as large as the box."""
        return float(np.sqrt(np.prod(self.box[2:] - self.box[:2])))

    @property
    def patience(self) -> float:
        """Seconds without being seen after which the track ends; short for a doubtful one."""
        return PATIENCE if self.id else HIDDEN

    @property
    def centre(self) -> np.ndarray:
        """Middle [2] of the box."""
        return (self.box[:2] + self.box[2:]) / 2

    def recognise(self, time: float, box: np.ndarray, pose: np.ndarray) -> None:
        """Take what the detector saw of the person: a box [4] and a pose [17, 3].

        Somebody who was lost is looked for there from now on.
        """
        self.recognised, self.detected = time, pose
        if time - self.seen > CROP_GAP:
            self.keypoints, self.box, self.seen = pose, box, time
            self.velocity[:] = 0

    def drift(self, time: float) -> np.ndarray:
        """How far [2] the person is expected to have moved since last seen."""
        return self.velocity * COASTING * (1 - np.exp(-(time - self.seen) / COASTING))

    def expected_keypoints(self, time: float) -> np.ndarray:
        """Where the joints [17, 3] are expected."""
        moved = self.keypoints.copy()
        moved[:, :2] += self.drift(time)
        return moved

    def expected_box(self, time: float) -> np.ndarray:
        """Where the box [4] is expected."""
        return self.box + np.tile(self.drift(time), 2)

    def expected_crop(self, time: float, threshold: float) -> np.ndarray:
        """A box [4] with the torso in the middle of its width.

        Single-person networks take whom they find in the middle, and an arm held out, or another's
        arm taken for one's own, would move it.
        """
        x1, y1, x2, y2 = self.expected_box(time)
        torso = self.keypoints[TORSO][self.keypoints[TORSO, 2] >= threshold, 0]
        if not len(torso):
            return np.array([x1, y1, x2, y2])
        middle = torso.mean() + self.drift(time)[0]
        reach = max(middle - x1, x2 - middle)
        return np.array([middle - reach, y1, middle + reach, y2])

    def move(self, time: float, keypoints: np.ndarray, threshold: float) -> None:
        """Take the pose [17, 3] in which the person was seen."""
        elapsed = max(time - self.seen, 1e-3)
        both = np.minimum(keypoints[:, 2], self.keypoints[:, 2]) >= threshold
        anchors = both & np.isin(np.arange(17), TORSO) if both[TORSO].any() else both
        if anchors.any():
            step = np.median((keypoints - self.keypoints)[anchors, :2], axis=0)
            self.velocity += weight(elapsed, VELOCITY_SPAN) * (step / elapsed - self.velocity)
        body = _extent(keypoints, threshold)
        slack = (self.expected_box(time) - body) * np.array([-1, -1, 1, 1])
        shrink = 1 - weight(elapsed, SHRINKING)
        self.box = body + np.maximum(slack, 0) * shrink * np.array([-1, -1, 1, 1])
        self.keypoints, self.seen = keypoints, time
        self.looks += 1


def weight(elapsed: float, span: float) -> float:
    """Weight of a new value in exponential smoothing with time constant ``span``."""
    return 1 - float(np.exp(-elapsed / span))


def _extent(keypoints: np.ndarray, threshold: float) -> np.ndarray:
    """Box [4] around the seen joints, with a margin for what reaches beyond them."""
    points = keypoints[keypoints[:, 2] >= threshold, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * (high - low).max()
    return np.concatenate([low - margin, high + margin])
