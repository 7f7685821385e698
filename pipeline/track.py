"""Who is who, from frame to frame: keypoints in, people with stable ids out.

The tracker owns no network. It says where to crop (`Tracker.expected`) and when to look at the
whole picture again (`Tracker.detection_due`), and is told what was found there (`Tracker.detect`,
`Tracker.update`). Similarity is COCO's object keypoint similarity (OKS), which still tells two
people apart whose boxes have become one.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components

from models.pose.oks import oks
from pipeline.detect import Detections
from pipeline.person import CROP_GAP, HIDDEN, PATIENCE, Person, Track, weight

MIN_JOINTS = 5
"""Fewer joints than this are not a person seen."""
SURE = 0.45
"""Mean joint score from which one look is enough to believe in a person."""
SURE_LOOKS = 3
"""Looks that are enough at any score."""
CLOSE = 0.1
"""Overlap (IoU) of two boxes from which a crop of one shows much of the other."""

SAME_SKELETON = 0.45
"""OKS between two poses above which they are one body found twice."""
SAME_PERSON = 0.5
"""OKS between a pose and where a person was expected, below which it is somebody else."""
STEADY = 0.2
"""The same for a pose from the person's own crop."""
FINDER, KNOWN = 0.2, 0.5
"""What it adds to somebody's claim on a body, in OKS, that it was found in their own crop, and that
they have an id already."""
SLACK = 1.5
"""Body sizes count this many times larger when two poses of one frame are compared."""
TOLERANCE = 2.0
"""Body sizes count this many times larger when a pose is compared with an expected one: people
move between looks, annotators (for whom OKS was made) do not."""
TOLERANCE_GROWTH = 2.0
"""How much the tolerance grows for every second out of sight."""

DETECTION_PERIOD = 0.25
"""Seconds between the detector's looks while all is well."""
CALM_PERIOD, CALM_LOOKS = 0.5, 4
"""The same once so many looks in a row found nobody new."""
TROUBLE_PERIOD = 0.1
"""The same while nobody is there, or somebody was lost of late."""

PROMINENCE_SPAN = 1.0
"""Time constant, in seconds, of the smoothing of how much a person matters."""
INCUMBENCY = 1.3
"""How many times more a newcomer must matter to take the place of a chosen person."""


class Tracker:
    """Follows people through crossing, occlusion and missed detections.

    Args:
        threshold: score from which the pose model's keypoints count as seen.
        most: how many people are followed at a time; the most prominent where there are more.

    Attributes:
        in_trouble: whether nobody is there, or somebody was lost of late.
    """

    def __init__(self, threshold: float, most: int = 6):
        self.threshold = threshold
        self.most = most
        self._last_id = 0
        self.forget()

    def forget(self) -> None:
        """Drop everybody, as after a cut. Ids are not used again."""
        self._tracks: list[Track] = []
        self._cropped: list[Track] = []
        self._close_up: list[Track] = []
        self._chosen: list[Track] = []
        self._last_detection = self._last_update = -np.inf
        self._calm_looks = 0
        self.in_trouble = True

    def detection_due(self, time: float) -> bool:
        """Whether the whole picture should be looked at, at this time in seconds."""
        if self.in_trouble:
            period = TROUBLE_PERIOD
        else:
            period = DETECTION_PERIOD if self._calm_looks < CALM_LOOKS else CALM_PERIOD
        return time - self._last_detection >= period - 1e-6

    @property
    def at_ease(self) -> bool:
        """Whether everybody is followed without the detector's help."""
        return not self.in_trouble and all(
            self._score(track.keypoints) >= SURE for track in self._tracks
        )

    def skip_detection(self, time: float) -> None:
        """Do without a look at ``time``, since nobody new can be there."""
        self._last_detection = time
        self._calm_looks += 1

    def detect(self, time: float, found: Detections) -> None:
        """Recognise people among what the detector found at ``time``, and meet new ones.

        ``time`` may be a little before that of the last update.
        """
        self._last_detection = time
        likeness = self._recognise(time, found)
        known = (likeness > SAME_SKELETON).any(axis=0)
        self._calm_looks = self._calm_looks + 1 if known.all() else 0
        for box, pose, is_known in zip(found.boxes[:, :4], found.keypoints, known, strict=True):
            if not is_known:
                track = Track(pose, box, seen=time)
                track.recognise(time, box, pose)
                self._tracks.append(track)
        self._tracks.sort(key=lambda track: -track.prominence)
        del self._tracks[self.most :]

    def boxes(self, time: float) -> np.ndarray:
        """Where everybody is expected at ``time`` who was seen of late: float32 [T, 4]."""
        seen = [track for track in self._tracks if time - track.seen <= CROP_GAP]
        return np.array([track.expected_box(time) for track in seen], np.float32).reshape(-1, 4)

    def huddles(self, time: float) -> list[np.ndarray]:
        """Regions [4] of the picture in which people are so close that crops would mix them up."""
        boxes = self.boxes(time)
        if len(boxes) < 2:
            return []
        overlap = _iou(boxes) > CLOSE
        if overlap.sum() == len(boxes):  # as nearly always: everybody overlaps only themselves
            return []
        count, huddle = connected_components(overlap)
        members = [boxes[huddle == k] for k in range(count) if (huddle == k).sum() > 1]
        return [np.concatenate([b[:, :2].min(0), b[:, 2:].max(0)]) for b in members]

    def look_closer(self, time: float, found: Detections) -> None:
        """Recognise people among what was found in a huddle; they then need no crop."""
        self._recognise(time, found)
        self._close_up = [track for track in self._tracks if track.recognised == time]

    def expected(self, time: float) -> np.ndarray:
        """Boxes float32 [T, 4] to estimate poses in at ``time``, one for each person looked for."""
        self._cropped = [
            track
            for track in self._tracks
            if time - track.seen <= CROP_GAP and track not in self._close_up
        ]
        boxes = [track.expected_crop(time, self.threshold) for track in self._cropped]
        return np.array(boxes, np.float32).reshape(-1, 4)

    def update(self, time: float, keypoints: np.ndarray) -> list[Person]:
        """Take the poses estimated in the expected boxes, and say who is there.

        Args:
            time: of the frame, in seconds.
            keypoints: float32 [T, 17, 3], in the order of the last `expected`.

        Returns:
            The people in the frame. Somebody out of sight for less than `HIDDEN` seconds is
            among them, with absent joints.
        """
        looked_for = self._close_up + self._cropped
        detected = [track.detected for track in self._close_up if track.detected is not None]
        poses = [*detected, *keypoints]
        for track, pose in zip(
            looked_for, self._one_body_each(time, looked_for, poses), strict=True
        ):
            if pose is not None:
                track.move(time, pose, self.threshold)
                self._name(track)
        self._close_up = []
        self._tracks = [track for track in self._tracks if time - track.seen <= track.patience]
        self._weigh(time)
        self.in_trouble = not self._tracks or any(
            0 < time - track.seen <= CROP_GAP for track in self._tracks
        )
        return [
            self._person(track, track.id, time)
            for track in self._tracks
            if track.id is not None and time - track.seen <= HIDDEN
        ]

    def chosen(self, count: int) -> list[int]:
        """Ids of the ``count`` people who matter most: large, moving, near another.

        Whoever was chosen before stays until somebody matters clearly more.
        """
        known = [track for track in self._tracks if track.id is not None]
        known.sort(
            key=lambda track: -track.prominence * (INCUMBENCY if track in self._chosen else 1)
        )
        self._chosen = known[:count]
        return sorted(track.id for track in self._chosen if track.id is not None)

    def _visible(self, pose: np.ndarray) -> np.ndarray:
        return pose[:, 2] >= self.threshold

    def _likeness(self, tracks: list[Track], poses: np.ndarray, time: float) -> np.ndarray:
        """OKS between where people were expected and poses, forgiving motion: [tracks, poses]."""
        likeness = np.zeros((len(tracks), len(poses)), np.float32)
        for track, row in zip(tracks, likeness, strict=True):
            tolerance = TOLERANCE + TOLERANCE_GROWTH * max(time - track.seen, 0)
            area = (tolerance * track.size) ** 2
            row[:] = self._oks(track.expected_keypoints(time), poses, area)
        return likeness

    def _oks(self, pose: np.ndarray, others: np.ndarray, area: float) -> np.ndarray:
        return oks(pose, others, area, np.full(len(others), area), self.threshold)

    def _is_person(self, track: Track, pose: np.ndarray, time: float) -> bool:
        """Whether enough of a body was seen; a faint one must be known to the detector too."""
        scores = pose[self._visible(pose), 2]
        if len(scores) < MIN_JOINTS:
            return False
        return scores.mean() >= SURE or time - track.recognised <= PATIENCE

    def _one_body_each(
        self, time: float, tracks: list[Track], poses: list[np.ndarray]
    ) -> list[np.ndarray | None]:
        """The pose of each track, or None; never the same body for two.

        Two crops that overlap may both show the body in front, or each the other's. So the bodies
        are dealt out anew, each to whom it was expected of; what the detector saw of somebody whose
        crop showed nobody new is among them.
        """
        bodies: list[np.ndarray] = []
        finders: list[set[int]] = []

        def offer(pose: np.ndarray, finder: int) -> bool:
            for body, known in zip(bodies, finders, strict=True):
                if self._same_body(pose, body, tracks[finder].size):
                    known.add(finder)
                    return False
            bodies.append(pose)
            finders.append({finder})
            return True

        empty_handed = [
            i
            for i, (track, pose) in enumerate(zip(tracks, poses, strict=True))
            if not (self._is_person(track, pose, time) and offer(pose, i))
        ]
        for i in empty_handed:
            detected = tracks[i].detected
            if tracks[i].recognised == time and detected is not None:
                offer(detected, i)
        return self._deal(time, tracks, bodies, finders)

    def _deal(
        self,
        time: float,
        tracks: list[Track],
        bodies: list[np.ndarray],
        finders: list[set[int]],
    ) -> list[np.ndarray | None]:
        """Give each body to whom it fits best; those who found it, or have an id, come first."""
        dealt: list[np.ndarray | None] = [None] * len(tracks)
        if not bodies:
            return dealt
        likeness = self._likeness(tracks, np.array(bodies), time)
        found = np.array([[i in found for found in finders] for i in range(len(tracks))])
        named = np.array([[track.id is not None] for track in tracks])
        claim = likeness + FINDER * found + KNOWN * named
        for i, j in zip(*linear_sum_assignment(-claim), strict=True):
            if likeness[i, j] > (STEADY if i in finders[j] else SAME_PERSON):
                dealt[i] = bodies[j]
        return dealt

    def _recognise(self, time: float, found: Detections) -> np.ndarray:
        """Match what was found with the people known; returns their likeness [tracks, found]."""
        likeness = self._likeness(self._tracks, found.keypoints, time)
        for i, j in zip(*linear_sum_assignment(-likeness), strict=True):
            if likeness[i, j] > SAME_PERSON:
                self._tracks[i].recognise(time, found.boxes[j, :4], found.keypoints[j])
        return likeness

    def _same_body(self, pose: np.ndarray, other: np.ndarray, size: float) -> bool:
        return bool(self._oks(pose, other[None], (SLACK * size) ** 2)[0] > SAME_SKELETON)

    def _name(self, track: Track) -> None:
        """Give an id to somebody of whom there is no more doubt."""
        if track.id is None and (track.looks >= SURE_LOOKS or self._score(track.keypoints) >= SURE):
            self._last_id += 1
            track.id = self._last_id

    def _score(self, pose: np.ndarray) -> float:
        """Mean score of the joints that were seen; 0 if none was."""
        visible = self._visible(pose)
        return float(pose[visible, 2].mean()) if visible.any() else 0.0

    def _weigh(self, time: float) -> None:
        """Update how much each person matters: size, more so if they move or are near another."""
        share = weight(time - self._last_update, PROMINENCE_SPAN)
        self._last_update = time
        for track in self._tracks:
            distances = [
                float(np.linalg.norm(track.centre - other.centre))
                for other in self._tracks
                if other is not track
            ]
            nearness = float(np.exp(-min(distances, default=np.inf) / track.size))
            motion = min(float(np.linalg.norm(track.velocity)) / track.size, 1.0)
            now = track.size * (1 + 0.5 * nearness + 0.5 * motion)
            track.prominence += share * (now - track.prominence)

    def _person(self, track: Track, id: int, time: float) -> Person:
        keypoints = track.expected_keypoints(time).astype(np.float32)
        if track.seen < time:
            keypoints[:, 2] = 0
        box = np.append(track.expected_box(time), self._score(keypoints)).astype(np.float32)
        return Person(id, box, keypoints)


def _iou(boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of every two of the boxes [T, 4]: [T, T]."""
    a, b = boxes[:, None], boxes[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.maximum(sides, 0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    return shared / np.maximum(area[:, None] + area - shared, 1e-9)
