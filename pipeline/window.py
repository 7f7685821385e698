"""The sliding window: each person's recent keypoints, cut into network input."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from models.sample import MAX_GAP, RATE, STEPS, span_window
from pipeline.person import Person

SPAN = STEPS / RATE
"""Length of a window in seconds."""

NEAR = 1.5
"""Distance of two people, in body heights, up to which they may be interacting. In the interactions
of SBU (Yun et al., 2012) it is 1.44 at most."""


class Windows:
    """Keeps the keypoints of each person for the length of a window.

    Args:
        threshold: score from which the pose model's joints count as visible.
    """

    def __init__(self, threshold: float):
        self.threshold = threshold
        self._histories: dict[int, list[tuple[float, np.ndarray]]] = {}

    def reset(self) -> None:
        """Drop everything, as after a cut or an interrupted stream."""
        self._histories.clear()

    def push(self, time: float, people: Sequence[Person]) -> None:
        """Add the people of the frame at `time`, in seconds, and drop what is too old."""
        for person in people:
            self._histories.setdefault(person.id, []).append((time, person.keypoints))
        oldest = time - SPAN - MAX_GAP
        recent = {
            person_id: [moment for moment in history if moment[0] >= oldest]
            for person_id, history in self._histories.items()
        }
        self._histories = {key: history for key, history in recent.items() if history}

    def cut(self, end: float, groups: Sequence[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """Cut the windows that end now.

        Args:
            end: time of the last step, in seconds.
            groups: ids of one or two people each.

        Returns:
            windows float32 [B, 2, 64, 17, 2] and present bool [B, 2, 64, 17], one for each group.
        """
        cuts = [
            span_window([self._history(person_id) for person_id in group], end, self.threshold)
            for group in groups
        ]
        windows, present = zip(*cuts, strict=True)
        return np.stack(windows), np.stack(present)

    def _history(self, person_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Times [N] and keypoints float32 [N, 17, 3] of a person."""
        times, keypoints = zip(*self._histories[person_id], strict=True)
        return np.array(times), np.array(keypoints, np.float32)


def choose_groups(people: Sequence[Person]) -> list[tuple[int, ...]]:
    """Choose the groups to classify: each person alone, and the nearest pairs.

    There are at most as many pairs as people.

    Returns:
        Ids of one or two people each. They ascend within pairs and over the people alone, in
        whatever order the people come.
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
    """Distance of the centres of two boxes [5], in their mean height."""
    centres = [(b[:2] + b[2:4]) / 2 for b in (box, other)]
    heights = [b[3] - b[1] for b in (box, other)]
    return float(np.linalg.norm(centres[0] - centres[1]) / np.mean(heights))
