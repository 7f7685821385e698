"""Identity after contact: who is who once two people have parted again, by what they wear.

While people overlap, a pose may be taken for the other person's, and nothing tells. So colours are
learnt while people are apart, and compared when those who have met are apart again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.skeleton import JOINTS
from pipeline.boxes import iou
from pipeline.person import Track

APART_IOU = 0.02
"""IoU of two boxes up to which the people are apart."""
LEARN_PERIOD = 0.2
"""Seconds between frames from which colours are learnt."""
LEARN_WEIGHT = 0.3
"""Weight of such a frame in a person's colours."""
VOTES = 5
"""Frames in which colours are compared after two people have parted."""
SAME_COLOURS = 20.0
"""Distance of two people's colours, in grey levels, up to which they cannot be told apart."""
PATCHES = (("shoulder", "hip"), ("hip", "knee"))
"""Joints, left and right, between which the colours of the upper and the lower body are taken."""
INSET = 0.25
"""Part of a patch's length that is left out at each end."""
WIDTH = 0.3
"""Width of a patch, relative to its length; people seen from the side are no wider."""
PIXELS = 8
"""Samples of a patch each way."""


class Identities:
    """Exchanges the ids of two tracks that have swapped people; one object a scene.

    Args:
        threshold: score from which the pose model's joints count as visible.
    """

    def __init__(self, threshold: float):
        self.threshold = threshold
        self._colours: dict[Track, np.ndarray] = {}
        self._votes: dict[frozenset[Track], list[float]] = {}
        self._last_learnt = -np.inf

    def update(self, time: float, tracks: Sequence[Track], image: np.ndarray) -> None:
        """Learn the colours of people who are apart, and compare those who have met.

        Args:
            time: of the frame, in seconds.
            tracks: all that there are.
            image: the frame, uint8 [H, W, 3], BGR.
        """
        tracks = [track for track in tracks if track.id is not None]
        self._forget(set(tracks))
        if len(tracks) < 2:
            return
        apart = self._note_contacts(time, tracks)
        compared = [pair for pair in self._votes if pair <= apart]
        in_contact = {track for pair in self._votes for track in pair}
        learnt = apart - in_contact if time - self._last_learnt >= LEARN_PERIOD else set()
        needed = learnt.union(*compared)
        now = {track: colours(image, track.keypoints, self.threshold) for track in needed}
        for first, second in compared:
            self._compare(first, second, now)
        for track in learnt:
            self._learn(track, now[track])
            self._last_learnt = time

    def _forget(self, tracks: set[Track]) -> None:
        """Drop what is known of tracks that have ended."""
        self._colours = {t: seen for t, seen in self._colours.items() if t in tracks}
        self._votes = {pair: votes for pair, votes in self._votes.items() if pair <= tracks}

    def _note_contacts(self, time: float, tracks: list[Track]) -> set[Track]:
        """Note who overlaps whom, and return those who are seen and overlap nobody."""
        boxes = np.array([track.box for track in tracks])
        together = iou(boxes) > APART_IOU
        for i, track in enumerate(tracks):
            others = {tracks[j] for j in np.flatnonzero(together[i]) if j != i}
            if track.occluder in tracks:
                others.add(track.occluder)
            self._votes |= {frozenset((track, other)): [] for other in others}
        alone = together.sum(1) == 1
        return {t for t, free in zip(tracks, alone, strict=True) if free and t.last_seen >= time}

    def _learn(self, track: Track, seen: np.ndarray) -> None:
        known = self._colours.get(track, seen)
        smoothed = known + LEARN_WEIGHT * np.nan_to_num(seen - known)
        self._colours[track] = np.where(np.isnan(known), seen, smoothed)

    def _compare(self, track: Track, other: Track, now: dict[Track, np.ndarray]) -> None:
        """Vote on whether two people have each other's colours; after `VOTES`, act on it."""
        votes = self._votes[frozenset((track, other))]
        votes.append(self._exchanged(track, other, now))
        if len(votes) < VOTES:
            return
        del self._votes[frozenset((track, other))]
        if np.nanmean([*votes, 0.0]) > 0.5:
            track.id, other.id = other.id, track.id
            self._colours[track], self._colours[other] = self._colours[other], self._colours[track]

    def _exchanged(self, track: Track, other: Track, now: dict[Track, np.ndarray]) -> float:
        """1 if both wear what the other one wore, -1 if what they wore, NaN if it does not tell."""
        if track not in self._colours or other not in self._colours:
            return float("nan")
        before = self._colours[track], self._colours[other]
        apart = difference(*before)
        kept = difference(now[track], before[0]) + difference(now[other], before[1])
        crossed = difference(now[track], before[1]) + difference(now[other], before[0])
        return (kept - crossed) / (2 * apart) if apart > SAME_COLOURS else float("nan")


def colours(image: np.ndarray, pose: np.ndarray, threshold: float) -> np.ndarray:
    """Median colours of the upper and the lower body.

    Args:
        image: uint8 [H, W, 3], BGR.
        pose: [17, 3], x, y in pixels and score.
        threshold: score from which joints count as visible.

    Returns:
        float32 [2, 3], BGR; NaN where the joints are not visible.
    """
    found = np.full((len(PATCHES), 3), np.nan, np.float32)
    for number, ends in enumerate(PATCHES):
        top, bottom = (_middle(pose, end, threshold) for end in ends)
        if top is not None and bottom is not None:
            found[number] = _median_colour(image, top, bottom)
    return found


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean distance of two people's colours [2, 3] over the patches that both have; else NaN."""
    distances = np.linalg.norm(a - b, axis=1)
    known = ~np.isnan(distances)
    return float(distances[known].mean()) if known.any() else float("nan")


def _middle(pose: np.ndarray, name: str, threshold: float) -> np.ndarray | None:
    """Middle [2] of the visible ones of a left and a right joint."""
    joints = pose[[JOINTS.index(f"left {name}"), JOINTS.index(f"right {name}")]]
    visible = joints[joints[:, 2] >= threshold, :2]
    return visible.mean(0) if len(visible) else None


def _median_colour(image: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Median colour [3], BGR, of a strip between two points."""
    along = np.linspace(INSET, 1 - INSET, PIXELS)[:, None, None]
    across = np.linspace(-WIDTH / 2, WIDTH / 2, PIXELS)[None, :, None]
    axis = bottom - top
    points = top + along * axis + across * np.array([-axis[1], axis[0]])
    height, width = image.shape[:2]
    x, y = np.rint(points).astype(int).reshape(-1, 2).T
    samples = image[y.clip(0, height - 1), x.clip(0, width - 1)]
    median: np.ndarray = np.sort(samples, axis=0)[len(samples) // 2].astype(np.float32)
    return median
