"""Tracking: poses and detections in, people with stable ids out.

The tracker owns no network. It says when the detector should run (`Tracker.detection_due`) and
where to estimate poses (`Tracker.crops`), and takes the results (`Tracker.add_detections`,
`Tracker.update`). It matches by COCO's object keypoint similarity (OKS), which still separates two
people whose boxes have become one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components

from models.pose.oks import oks
from pipeline.detect import Detections
from pipeline.person import (
    ESTIMATE_LOST,
    KEEP_LOST,
    REPORT_LOST,
    Person,
    Track,
    smoothing_weight,
)

MIN_JOINTS = 5
"""Visible joints that make a pose a person."""
CONFIRM_SCORE = 0.45
"""Mean joint score from which one pose confirms a track."""
CONFIRM_HITS = 3
"""Number of poses that confirm a track at any score."""
CROWDED_IOU = 0.1
"""IoU of two boxes above which a crop of one person shows much of the other."""

DUPLICATE_OKS = 0.45
"""OKS of two poses above which they are the same body, found twice."""
MATCH_OKS = 0.5
"""OKS of a pose and a track's expected pose above which it may be the same person."""
OWN_CROP_OKS = 0.2
"""The same for a pose from the track's own crop."""
OWN_CROP_BONUS, CONFIRMED_BONUS = 0.2, 0.5
"""Added to the OKS of a track and a pose in the assignment: if the pose is from the track's own
crop, and if the track is confirmed."""
DUPLICATE_TOLERANCE = 1.5
"""Factor on body sizes when two poses of one frame are compared."""
MOTION_TOLERANCE = 2.0
"""Factor on body sizes when a pose is compared with an expected one: people move between frames,
while OKS was made for annotators of one picture."""
TOLERANCE_GROWTH = 2.0
"""Growth of that factor for each second in which a person is lost."""

DETECTION_PERIOD = 0.25
"""Seconds between detector runs."""
STABLE_PERIOD, STABLE_RUNS = 0.5, 4
"""The same once this many runs in a row found no new person."""
LOST_PERIOD = 0.1
"""The same while there is no track, or one was lost recently."""

PROMINENCE_SPAN = 1.0
"""Time constant of the smoothing of prominence, in seconds."""
REPLACE_RATIO = 1.3
"""How many times more prominent another person must be to replace a selected one."""


class Tracker:
    """Tracks people through crossing, occlusion and missed detections.

    Args:
        threshold: score from which the pose model's joints count as visible.
        max_tracks: how many people are tracked at most; the most prominent stay.

    Attributes:
        needs_detection: whether tracking depends on the next detection: there is no track, or one
            was lost within the last `ESTIMATE_LOST` seconds.
    """

    def __init__(self, threshold: float, max_tracks: int = 6):
        self.threshold = threshold
        self.max_tracks = max_tracks
        self._last_id = 0
        self.reset()

    def reset(self) -> None:
        """End all tracks, as after a cut. Ids are not used again."""
        self._tracks: list[Track] = []
        self._cropped: list[Track] = []
        self._close_ups: list[Track] = []
        self._selected: list[Track] = []
        self._last_detection = self._last_update = -np.inf
        self._stable_runs = 0
        self.needs_detection = True

    def detection_due(self, time: float) -> bool:
        """Whether the detector should run on the frame at `time`, in seconds."""
        if self.needs_detection:
            period = LOST_PERIOD
        else:
            period = DETECTION_PERIOD if self._stable_runs < STABLE_RUNS else STABLE_PERIOD
        return time - self._last_detection >= period - 1e-6

    @property
    def can_skip_detection(self) -> bool:
        """Whether all people are tracked with confidence, without the detector."""
        return not self.needs_detection and all(
            self._score(track.keypoints) >= CONFIRM_SCORE for track in self._tracks
        )

    def skip_detection(self, time: float) -> None:
        """Skip the detector run that is due at `time`, since there can be no new person."""
        self._last_detection = time
        self._stable_runs += 1

    def add_detections(self, time: float, detections: Detections) -> None:
        """Match detections with the tracks, and begin new tracks for the rest.

        Args:
            time: of the frame that the detector ran on; may be before that of the last update.
            detections: people in the whole picture or in a tile.
        """
        self._last_detection = time
        similarity = self._match_detections(time, detections)
        known = (similarity > DUPLICATE_OKS).any(axis=0)
        self._stable_runs = self._stable_runs + 1 if known.all() else 0
        for box, pose, is_known in zip(
            detections.boxes[:, :4], detections.keypoints, known, strict=True
        ):
            if not is_known:
                track = Track(pose, box, last_seen=time)
                track.add_detection(time, box, pose)
                self._tracks.append(track)
        self._tracks.sort(key=lambda track: -track.prominence)
        del self._tracks[self.max_tracks :]

    def expected_boxes(self, time: float) -> np.ndarray:
        """Where the people seen recently are expected at `time`: float32 [T, 4]."""
        boxes = [
            track.expected_box(time)
            for track in self._tracks
            if time - track.last_seen <= ESTIMATE_LOST
        ]
        return np.array(boxes, np.float32).reshape(-1, 4)

    def crowded_regions(self, time: float) -> list[np.ndarray]:
        """Regions [4] in which people overlap so much that crops would confuse them."""
        boxes = self.expected_boxes(time)
        if len(boxes) < 2:
            return []
        overlap = _iou(boxes) > CROWDED_IOU
        if overlap.sum() == len(boxes):  # the usual case: boxes overlap only with themselves
            return []
        count, group = connected_components(overlap)
        members = [boxes[group == k] for k in range(count) if (group == k).sum() > 1]
        return [np.concatenate([b[:, :2].min(0), b[:, 2:].max(0)]) for b in members]

    def add_close_up(self, time: float, detections: Detections) -> None:
        """Match detections in a crowded region with the tracks; these then need no crop."""
        self._match_detections(time, detections)
        self._close_ups = [track for track in self._tracks if track.last_detected == time]

    def crops(self, time: float) -> np.ndarray:
        """Boxes to estimate poses in at `time`, one for each person: float32 [T, 4]."""
        self._cropped = [
            track
            for track in self._tracks
            if time - track.last_seen <= ESTIMATE_LOST and track not in self._close_ups
        ]
        boxes = [track.crop_box(time, self.threshold) for track in self._cropped]
        return np.array(boxes, np.float32).reshape(-1, 4)

    def update(self, time: float, keypoints: np.ndarray) -> list[Person]:
        """Take the poses that were estimated in the crops.

        Args:
            time: of the frame, in seconds.
            keypoints: float32 [T, 17, 3], in the order of the last `crops`.

        Returns:
            The people in the frame. Those lost for less than `REPORT_LOST` seconds are among them,
            with absent joints.
        """
        tracks = self._close_ups + self._cropped
        detected = [t.detected_pose for t in self._close_ups if t.detected_pose is not None]
        poses = self._assign_poses(time, tracks, [*detected, *keypoints])
        for track, pose in zip(tracks, poses, strict=True):
            if pose is not None:
                track.add_pose(time, pose, self.threshold)
                self._confirm(track)
        self._close_ups = []
        self._tracks = [t for t in self._tracks if time - t.last_seen <= t.max_lost]
        self._update_prominence(time)
        self.needs_detection = not self._tracks or any(
            0 < time - track.last_seen <= ESTIMATE_LOST for track in self._tracks
        )
        return [
            self._person(track, track.id, time)
            for track in self._tracks
            if track.id is not None and time - track.last_seen <= REPORT_LOST
        ]

    def most_prominent(self, count: int) -> list[int]:
        """Ids of the `count` most prominent people: large, moving, near another person.

        Those selected before stay until another person is clearly more prominent.
        """
        confirmed = [track for track in self._tracks if track.id is not None]
        confirmed.sort(
            key=lambda track: -track.prominence * (REPLACE_RATIO if track in self._selected else 1)
        )
        self._selected = confirmed[:count]
        return sorted(track.id for track in self._selected if track.id is not None)

    def _visible(self, pose: np.ndarray) -> np.ndarray:
        return pose[:, 2] >= self.threshold

    def _score(self, pose: np.ndarray) -> float:
        """Mean score of the visible joints; 0 if there are none."""
        visible = self._visible(pose)
        return float(pose[visible, 2].mean()) if visible.any() else 0.0

    def _oks(self, pose: np.ndarray, others: np.ndarray, area: float) -> np.ndarray:
        return oks(pose, others, area, np.full(len(others), area), self.threshold)

    def _similarity(self, tracks: list[Track], poses: np.ndarray, time: float) -> np.ndarray:
        """OKS of the tracks' expected poses and `poses`, tolerant of motion: [tracks, poses]."""
        similarity = np.zeros((len(tracks), len(poses)), np.float32)
        for track, row in zip(tracks, similarity, strict=True):
            tolerance = MOTION_TOLERANCE + TOLERANCE_GROWTH * max(time - track.last_seen, 0)
            area = (tolerance * track.size) ** 2
            row[:] = self._oks(track.expected_keypoints(time), poses, area)
        return similarity

    def _is_duplicate(self, pose: np.ndarray, other: np.ndarray, size: float) -> bool:
        area = (DUPLICATE_TOLERANCE * size) ** 2
        return bool(self._oks(pose, other[None], area)[0] > DUPLICATE_OKS)

    def _is_person(self, track: Track, pose: np.ndarray, time: float) -> bool:
        """Whether enough joints are visible; with low scores only if detected recently."""
        scores = pose[self._visible(pose), 2]
        if len(scores) < MIN_JOINTS:
            return False
        return scores.mean() >= CONFIRM_SCORE or time - track.last_detected <= KEEP_LOST

    def _match_detections(self, time: float, detections: Detections) -> np.ndarray:
        """Give each track the detection that matches it, and return their OKS: [tracks, found]."""
        similarity = self._similarity(self._tracks, detections.keypoints, time)
        for i, j in zip(*linear_sum_assignment(-similarity), strict=True):
            if similarity[i, j] > MATCH_OKS:
                box, pose = detections.boxes[j, :4], detections.keypoints[j]
                self._tracks[i].add_detection(time, box, pose)
        return similarity

    def _assign_poses(
        self, time: float, tracks: list[Track], poses: list[np.ndarray]
    ) -> list[np.ndarray | None]:
        """Assign the poses of a frame anew: at most one to each track, no body to two tracks.

        Two crops that overlap may both show the body in front, or each the other person's.

        Args:
            time: of the frame.
            tracks: those with a close-up or a crop.
            poses: what each of them gave.

        Returns:
            The pose of each track, or None.
        """
        bodies = _Bodies(self._is_duplicate)
        unused = [
            i
            for i, (track, pose) in enumerate(zip(tracks, poses, strict=True))
            if not (self._is_person(track, pose, time) and bodies.add(pose, i, track.size))
        ]
        # The detector may have found a person whose own crop shows nobody, or another person.
        for i in unused:
            detected = tracks[i].detected_pose
            if tracks[i].last_detected == time and detected is not None:
                bodies.add(detected, i, tracks[i].size)
        return self._match_bodies(time, tracks, bodies)

    def _match_bodies(
        self, time: float, tracks: list[Track], bodies: _Bodies
    ) -> list[np.ndarray | None]:
        """Assign each body to the track that it fits best; see `OWN_CROP_BONUS`."""
        assigned: list[np.ndarray | None] = [None] * len(tracks)
        if not bodies.poses:
            return assigned
        similarity = self._similarity(tracks, np.array(bodies.poses), time)
        own = np.array([[i in finders for finders in bodies.finders] for i in range(len(tracks))])
        confirmed = np.array([[track.id is not None] for track in tracks])
        value = similarity + OWN_CROP_BONUS * own + CONFIRMED_BONUS * confirmed
        for i, j in zip(*linear_sum_assignment(-value), strict=True):
            if similarity[i, j] > (OWN_CROP_OKS if own[i, j] else MATCH_OKS):
                assigned[i] = bodies.poses[j]
        return assigned

    def _confirm(self, track: Track) -> None:
        """Give a track an id once it is certain to be a person."""
        if track.id is not None:
            return
        if track.hits >= CONFIRM_HITS or self._score(track.keypoints) >= CONFIRM_SCORE:
            self._last_id += 1
            track.id = self._last_id

    def _update_prominence(self, time: float) -> None:
        """Prominence is size, up to twice as much for people who move and are near another."""
        weight = smoothing_weight(time - self._last_update, PROMINENCE_SPAN)
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
            track.prominence += weight * (now - track.prominence)

    def _person(self, track: Track, person_id: int, time: float) -> Person:
        keypoints = track.expected_keypoints(time).astype(np.float32)
        if track.last_seen < time:
            keypoints[:, 2] = 0
        box = np.append(track.expected_box(time), self._score(keypoints)).astype(np.float32)
        return Person(person_id, box, keypoints)


class _Bodies:
    """The distinct bodies in a frame.

    Attributes:
        poses: [17, 3] each.
        finders: for each body, the numbers of the tracks in whose crops it was found.
    """

    def __init__(self, is_duplicate: Callable[[np.ndarray, np.ndarray, float], bool]):
        self.poses: list[np.ndarray] = []
        self.finders: list[set[int]] = []
        self._is_duplicate = is_duplicate

    def add(self, pose: np.ndarray, finder: int, size: float) -> bool:
        """Add a pose, found for a track of this size, and return whether its body is new."""
        for body, finders in zip(self.poses, self.finders, strict=True):
            if self._is_duplicate(pose, body, size):
                finders.add(finder)
                return False
        self.poses.append(pose)
        self.finders.append({finder})
        return True


def _iou(boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of every two of the boxes [T, 4]: [T, T]."""
    a, b = boxes[:, None], boxes[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.maximum(sides, 0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    return shared / np.maximum(area[:, None] + area - shared, 1e-9)
