"""The sliding window: the last two seconds of everybody's keypoints, cut into network input."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from models.sample import MAX_GAP, RATE, STEPS, span_window
from pipeline.person import Person

SPAN = STEPS / RATE
"""Seconds that a window spans."""

NEAR = 1.5
"""Body heights between two people within which they may be doing something to each other. In SBU's
interactions (Yun et al., 2012) the farthest apart are at 1.44."""


class Windows:
    """Remembers what each person's joints did, for as long as a window spans.

    Args:
        threshold: score from which the pose model's keypoints count as seen.
    """

    def __init__(self, threshold: float):
        self.threshold = threshold
        self._histories: dict[int, list[tuple[float, np.ndarray]]] = {}

    def forget(self) -> None:
        """Drop everything, as after a cut or a broken stream."""
        self._histories.clear()

    def push(self, time: float, people: Sequence[Person]) -> None:
        """Add the people of one frame, taken at ``time`` in seconds; drop what is too old."""
        for person in people:
            self._histories.setdefault(person.id, []).append((time, person.keypoints))
        oldest = time - SPAN - MAX_GAP
        recent = {
            who: [moment for moment in history if moment[0] >= oldest]
            for who, history in self._histories.items()
        }
        self._histories = {who: history for who, history in recent.items() if history}

    def cut(self, end: float, groups: Sequence[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """Cut the windows that end now, for people alone and in pairs.

        Args:
            end: time of the last step, seconds.
            groups: ids of one or two people each.

        Returns:
            windows float32 [B, 2, 64, 17, 2] and present bool [B, 2, 64, 17], one a group.
        """
        cuts = [
            span_window([self._track(who) for who in group], end, self.threshold)
            for group in groups
        ]
        windows, present = zip(*cuts, strict=True)
        return np.stack(windows), np.stack(present)

    def _track(self, who: int) -> tuple[np.ndarray, np.ndarray]:
        times, keypoints = zip(*self._histories[who], strict=True)
        return np.array(times), np.array(keypoints, np.float32)


def groups(people: Sequence[Person]) -> list[tuple[int, ...]]:
    """Whose windows to classify: everybody alone, and the nearest pairs, no more than people.

    Ids ascend within a pair, and so does everybody's, in whatever order the people come.
    """
    people = sorted(people, key=lambda person: person.id)
    alone: list[tuple[int, ...]] = [(person.id,) for person in people]
    distances: dict[tuple[int, ...], float] = {
        (a.id, b.id): distance
        for a, b in combinations(people, 2)
        if (distance := _distance(a.box, b.box)) <= NEAR
    }
    return alone + sorted(distances, key=distances.__getitem__)[: len(people)]


def _distance(box: np.ndarray, other: np.ndarray) -> float:
    """Between the middles of two boxes [5], in their mean height."""
    middles = [(b[:2] + b[2:4]) / 2 for b in (box, other)]
    heights = [b[3] - b[1] for b in (box, other)]
    return float(np.linalg.norm(middles[0] - middles[1]) / np.mean(heights))
