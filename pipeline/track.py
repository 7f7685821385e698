"""Tracking: poses and detections in, people with stable ids out.

The tracker owns no network. It says where to estimate poses (`Tracker.crops`) and whether it needs
the detector, and takes the results (`Tracker.add_detections`, `Tracker.update`). It matches by
COCO's object keypoint similarity (OKS), which still separates two people whose boxes have become
one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.assignment import assign
from models.pose.oks import oks
from pipeline.boxes import connected, iou
from pipeline.detect import Detections
from pipeline.identity import Identities
from pipeline.person import (
    BODY,
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
CONFIRM_HITS, CONFIRM_SPAN, CONFIRM_SHARE = 3, 0.3, 0.6
"""Number of plausible poses that confirm a track at a lower score, if it is so many seconds old and
so large a share of its poses is plausible."""
PLAUSIBLE_BODY, PLAUSIBLE_OKS = 0.22, 0.45
"""Mean score of all joints of the body, visible or not, and OKS of the pose and the detector's, one
moved over the other, from which a pose is plausible. A row of chairs that the detector takes for a
person has both in 3 % of the frames, and people in a crowd in 75 %."""
OCCLUDED_SHARE = 0.4
"""Share of a lost person's box in another person's from which they are behind that person."""
REAPPEAR_REACH = 0.5
"""Heights of the person in front within which, on either side, the one behind reappears."""
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

PROMINENCE_SPAN = 1.0
"""Time constant of the smoothing of prominence, in seconds."""
REPLACE_RATIO = 1.3
"""How many times more prominent another person must be to replace a selected one."""


@dataclass(frozen=True)
class Crops:
    """Where to estimate poses.

    Attributes:
        boxes: float32 [C, 4], x1, y1, x2, y2 in pixels, before they are turned.
        turns: float32 [C], of the boxes about their middles, clockwise in radians.
    """

    boxes: np.ndarray
    turns: np.ndarray


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
        self._cropped: list[tuple[Track, list[float]]] = []
        self._close_ups: list[Track] = []
        self._selected: list[Track] = []
        self._lost: list[Track] = []
        self._identities = Identities(self.threshold)
        self._last_update = -np.inf
        self.needs_detection = True

    @property
    def is_empty(self) -> bool:
        """Whether nobody is tracked."""
        return not self._tracks

    @property
    def is_certain(self) -> bool:
        """Whether all people are tracked with confidence, without the detector."""
        return not self.needs_detection and all(
            self._score(track.keypoints) >= CONFIRM_SCORE for track in self._tracks
        )

    def add_detections(self, time: float, detections: Detections) -> bool:
        """Match detections with the tracks, and begin new tracks for the rest.

        Args:
            time: of the frame that the detector ran on; may be before that of the last update.
            detections: people in the whole picture or in parts of it.

        Returns:
            Whether there are new tracks.
        """
        similarity = self._match_detections(time, detections)
        self._reappeared(time, detections, similarity)
        known = (similarity > DUPLICATE_OKS).any(axis=0)
        for box, pose, is_known in zip(
            detections.boxes[:, :4], detections.keypoints, known, strict=True
        ):
            if not is_known:
                track = Track(pose, box, last_seen=time)
                track.add_detection(time, box, pose)
                self._tracks.append(track)
        self._tracks.sort(key=lambda track: -track.prominence)
        del self._tracks[self.max_tracks :]
        return not known.all()

    def expected_boxes(self, time: float) -> np.ndarray:
        """Where people seen recently, or occluded, are expected at `time`: float32 [T, 4]."""
        boxes = [
            track.expected_box(time)
            for track in self._tracks
            if time - track.last_seen <= ESTIMATE_LOST or track.occluder is not None
        ]
        return np.array(boxes, np.float32).reshape(-1, 4)

    def lost_boxes(self, time: float) -> np.ndarray:
        """Where people who were lost recently, and are not hidden, are expected: float32 [L, 4]."""
        boxes = [track.expected_box(time) for track in self._lost]
        return np.array(boxes, np.float32).reshape(-1, 4)

    def crowded_regions(self, time: float) -> list[np.ndarray]:
        """Regions [4] in which people overlap so much that crops would confuse them."""
        boxes = self.expected_boxes(time)
        if len(boxes) < 2:
            return []
        overlap = iou(boxes) > CROWDED_IOU
        if overlap.sum() == len(boxes):  # the usual case: boxes overlap only with themselves
            return []
        group = connected(overlap)
        members = [boxes[group == k] for k in np.unique(group) if (group == k).sum() > 1]
        return [np.concatenate([b[:, :2].min(0), b[:, 2:].max(0)]) for b in members]

    def add_close_up(self, time: float, detections: Detections) -> None:
        """Match detections in a crowded region with the tracks; these then need no crop."""
        self._reappeared(time, detections, self._match_detections(time, detections))
        self._close_ups = [track for track in self._tracks if track.last_detected == time]

    def crops(self, time: float) -> Crops:
        """Where to estimate poses at `time`: in one crop a person, at times in two."""
        self._cropped = [
            (track, track.crop_turns(time, self.threshold))
            for track in self._tracks
            if time - track.last_seen <= ESTIMATE_LOST and track not in self._close_ups
        ]
        crops = [(track, turn) for track, turns in self._cropped for turn in turns]
        boxes = [track.crop_box(time, self.threshold, turn) for track, turn in crops]
        return Crops(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array([turn for _, turn in crops], np.float32),
        )

    def update(
        self, time: float, keypoints: np.ndarray, image: np.ndarray | None = None
    ) -> list[Person]:
        """Take the poses that were estimated in the crops.

        Args:
            time: of the frame, in seconds.
            keypoints: float32 [C, 17, 3], in the order of the last `crops`.
            image: the frame, uint8 [H, W, 3] BGR, by whose colours people who have met are told
                apart; by place alone if None.

        Returns:
            The people in the frame. Those lost for less than `REPORT_LOST` seconds, and those who
            are occluded by another person, are among them, with absent joints.
        """
        tracks = self._close_ups + [track for track, _ in self._cropped]
        detected = [t.detected_pose for t in self._close_ups if t.detected_pose is not None]
        ends = np.cumsum([len(turns) for _, turns in self._cropped])
        estimated = [
            track.choose_turn(turns, keypoints[end - len(turns) : end])
            for (track, turns), end in zip(self._cropped, ends, strict=True)
        ]
        poses = self._assign_poses(time, tracks, [*detected, *estimated])
        for track, pose in zip(tracks, poses, strict=True):
            if pose is not None:
                track.add_pose(time, pose, self.threshold)
                self._confirm(track)
        self._close_ups = []
        self._update_occlusion(time)
        if image is not None:
            self._identities.update(time, self._tracks, image)
        self._tracks = [t for t in self._tracks if time - t.last_seen <= t.max_lost]
        self._update_prominence(time)
        self._lost = [
            track
            for track in self._tracks
            if 0 < time - track.last_seen <= ESTIMATE_LOST and track.occluder is None
        ]
        self.needs_detection = bool(self._lost) or not self._tracks
        return [
            self._person(track, track.id, time)
            for track in self._tracks
            if track.id is not None
            and (time - track.last_seen <= REPORT_LOST or track.occluder is not None)
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

    def _update_occlusion(self, time: float) -> None:
        """Keep those who disappeared behind another person with that person."""
        seen = [t for t in self._tracks if t.id is not None and t.last_seen >= time]
        for track in self._tracks:
            if track.id is None or track.last_seen >= time:
                continue
            if track.occluder is None:
                covering = [t for t in seen if self._covers(t, track, time)]
                if covering:
                    track.hide_behind(max(covering, key=lambda t: t.size), time)
            elif track.occluder in self._tracks:
                track.follow_occluder()
            else:
                track.occluder = None

    def _covers(self, track: Track, lost: Track, time: float) -> bool:
        box, other = lost.expected_box(time), track.box
        low, high = np.maximum(box[:2], other[:2]), np.minimum(box[2:], other[2:])
        shared = np.maximum(high - low, 0).prod()
        return bool(shared > OCCLUDED_SHARE * (box[2:] - box[:2]).prod())

    def _match_detections(self, time: float, detections: Detections) -> np.ndarray:
        """Give each track the detection that matches it, and return their OKS: [tracks, found].

        Tracks that were seen recently come first: a lost one, whose person may be anywhere, would
        match their detections too.
        """
        similarity = self._similarity(self._tracks, detections.keypoints, time)
        lost = np.array([time - t.last_seen > REPORT_LOST for t in self._tracks], bool)
        free = np.ones(len(detections), bool)
        for stage in (~lost, lost):
            rows, columns = np.flatnonzero(stage), np.flatnonzero(free)
            values = similarity[np.ix_(rows, columns)]
            for i, j in assign(values):
                if values[i, j] > MATCH_OKS:
                    box, pose = detections.boxes[columns[j], :4], detections.keypoints[columns[j]]
                    self._tracks[rows[i]].add_detection(time, box, pose)
                    free[columns[j]] = False
        return similarity

    def _reappeared(self, time: float, detections: Detections, similarity: np.ndarray) -> None:
        """Take who is found beside an occluder, and is nobody else, for the person behind."""
        free = ~(similarity > DUPLICATE_OKS).any(axis=0)
        for track in self._tracks:
            if track.occluder is None or track.last_detected == time or not free.any():
                continue
            box = track.occluder.box
            reach = REAPPEAR_REACH * (box[3] - box[1])
            near = free & (
                (detections.boxes[:, 0] < box[2] + reach)
                & (detections.boxes[:, 2] > box[0] - reach)
                & (detections.boxes[:, 1] < box[3])
                & (detections.boxes[:, 3] > box[1])
            )
            if near.any():
                best = int(near.argmax())
                track.add_detection(time, detections.boxes[best, :4], detections.keypoints[best])
                free[best] = False
                similarity[self._tracks.index(track), best] = 1

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
        for i, j in assign(value):
            if similarity[i, j] > (OWN_CROP_OKS if own[i, j] else MATCH_OKS):
                assigned[i] = bodies.poses[j]
        return assigned

    def _is_plausible(self, track: Track) -> bool:
        """Whether pose network and detector see the same body."""
        pose, detected = track.keypoints, track.detected_pose
        if detected is None or pose[BODY, 2].mean() < PLAUSIBLE_BODY:
            return False
        moved = pose.copy()
        moved[:, :2] += np.median(detected[:, :2] - pose[:, :2], axis=0)
        area = track.size**2
        return bool(oks(detected, moved[None], area, np.array([area]))[0] >= PLAUSIBLE_OKS)

    def _confirm(self, track: Track) -> None:
        """Give a track an id once it is certain to be a person."""
        if track.id is not None:
            return
        plausible = self._is_plausible(track)
        track.plausible_hits += plausible
        likely = (
            track.plausible_hits >= max(CONFIRM_HITS, CONFIRM_SHARE * track.hits)
            and track.last_seen - track.first_seen >= CONFIRM_SPAN - 1e-6
        )
        certain = self._score(track.keypoints) >= CONFIRM_SCORE
        if likely or (certain and plausible):
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
