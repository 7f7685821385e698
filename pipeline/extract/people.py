"""Whom a clip is about: the one or two most prominent people, as in the live program."""

from collections.abc import Iterable, Sequence

import numpy as np

from models.data.pyskl import MIN_PRESENCE
from models.data.recording import Recording, Skeletons, Trajectory
from models.sample import MAX_GAP
from pipeline.classify import MIN_OBSERVED
from pipeline.person import MARGIN, Person
from pipeline.window import choose_groups

MIN_SECONDS = MIN_OBSERVED
"""Seconds for which somebody must be seen. The live program answers after as long."""
MIN_NEAR = 0.5
"""Share of the time in which two people are seen together for which they are near each other in a
clip of two people."""
MAX_MOVED = 1.0
"""Distance from where a person was lost to where a track may continue them, in body lengths."""
PEOPLE = 2
"""People whom a clip can be about."""


def choose(recording: Recording) -> Skeletons:
    """Choose the two most prominent people of a clip.

    Prominence is what the live program goes by: size, half as much again for people who move,
    here added up over the clip. A track that begins where another one was lost continues it.

    Returns:
        Two people, one, or none, over all frames of the clip.
    """
    people = sorted(_join(recording), key=lambda one: -_prominence(one, recording.times))
    chosen = people[:PEOPLE]
    frames = len(recording.times)
    keypoints = np.zeros((len(chosen), frames, 17, 3), np.float32)
    spatial = bool(chosen) and all(person.space is not None for person in chosen)
    space = np.zeros((len(chosen), frames, 17, 4), np.float32) if spatial else None
    for row, person in enumerate(chosen):
        keypoints[row, person.frames] = person.keypoints
        if space is not None:
            space[row, person.frames] = person.space
    return Skeletons(
        times=recording.times,
        size=recording.size,
        keypoints=keypoints,
        space=space,
        found=len(people),
        near=_near(chosen),
        problem=recording.problem,
    )


def is_pair(skeletons: Skeletons) -> bool:
    """Whether a clip looks like one of two people.

    They are seen together for at least a fifth of the time in which the more prominent one is seen
    (data sets are read so), and near each other for half of it, as the live program counts it.
    """
    seen = skeletons.seen
    if len(seen) < PEOPLE:
        return False
    together = (seen[0] & seen[1]).sum()
    enough = max(MIN_PRESENCE * seen[0].sum(), MIN_SECONDS / max(skeletons.step, 1e-6))
    return bool(together >= enough and skeletons.near >= MIN_NEAR)


def people_of_label(clips: Iterable[Skeletons]) -> int:
    """Return how many people a label is about: two if most of its clips look so, or else one."""
    pairs = [is_pair(skeletons) for skeletons in clips]
    return PEOPLE if 2 * sum(pairs) > len(pairs) else 1


def shortcoming(skeletons: Skeletons, people: int) -> str | None:
    """Say why a clip cannot be used, in a clause, or None if it can.

    Args:
        skeletons: the people in it.
        people: how many people its label is about.
    """
    seconds = skeletons.seen.sum(axis=1) * skeletons.step
    if not len(seconds):
        return "nobody was found in it"
    if skeletons.step > MAX_GAP:
        return f"it has {1 / skeletons.step:.1f} frames a second, and it takes {1 / MAX_GAP:.0f}"
    if seconds[0] < MIN_SECONDS:
        return f"somebody was seen for {seconds[0]:.1f} s, and it takes {MIN_SECONDS:g}"
    if people == PEOPLE and (len(seconds) < PEOPLE or seconds[1] < _least(seconds[0])):
        return "only one person was followed, and its label is about two"
    return None


def places(skeletons: Skeletons) -> list[str]:
    """Say where in the picture each person is, for most of the time."""
    thirds = "on the left", "in the middle", "on the right"
    middles = [np.median(points[points[..., 2] > 0][:, 0]) for points in skeletons.keypoints]
    return [thirds[int(np.clip(3 * x / skeletons.size[0], 0, 2))] for x in middles]


def _least(first: float) -> float:
    """Seconds for which the second person must be seen, if the first one is for so many."""
    return max(MIN_SECONDS, MIN_PRESENCE * first)


def _join(recording: Recording) -> list[Trajectory]:
    """Join the trajectories of people who were lost and found again at the same place."""
    joined: list[Trajectory] = []
    for later in sorted(recording.people, key=lambda one: (one.frames[0], one.frames[-1])):
        distances = {
            index: _distance(earlier.keypoints[-1], later.keypoints[0])
            for index, earlier in enumerate(joined)
            if earlier.scene == later.scene and earlier.frames[-1] < later.frames[0]
        }
        near = min(distances, key=distances.__getitem__, default=None)
        if near is not None and distances[near] <= MAX_MOVED:
            joined[near] = _concatenate(joined[near], later)
        else:
            joined.append(later)
    return joined


def _concatenate(one: Trajectory, other: Trajectory) -> Trajectory:
    both = one.space is not None and other.space is not None
    return Trajectory(
        np.concatenate([one.frames, other.frames]),
        np.concatenate([one.keypoints, other.keypoints]),
        np.concatenate([one.space, other.space]) if both else None,
        one.scene,
    )


def _boxes(keypoints: np.ndarray) -> np.ndarray:
    """Boxes around the present joints of poses [N, 17, 3], with the tracker's margin: [N, 4]."""
    points = np.where(keypoints[..., 2:] > 0, keypoints[..., :2], np.nan)
    low, high = np.nanmin(points, axis=1), np.nanmax(points, axis=1)
    margin = MARGIN * (high - low).max(axis=1, keepdims=True)
    margin = np.maximum(margin, 1.0)  # a body of one joint has a size, too
    return np.concatenate([low - margin, high + margin], axis=1)


def _distance(pose: np.ndarray, other: np.ndarray) -> float:
    """Distance of two poses [17, 3], in the longest side of their boxes."""
    low, high = np.split(_boxes(np.stack([pose, other])), 2, axis=1)
    return float(np.linalg.norm(np.diff((low + high) / 2, axis=0)) / (high - low).max())


def _prominence(person: Trajectory, times: np.ndarray) -> float:
    """Prominence of a person, added up over the frames in which they are seen."""
    low, high = np.split(_boxes(person.keypoints), 2, axis=1)
    size = np.sqrt((high - low).prod(axis=1))
    moved = np.linalg.norm(np.diff((low + high) / 2, axis=0), axis=1)
    speed = np.append(0.0, moved / np.diff(times[person.frames]))
    return float((size * (1 + 0.5 * np.minimum(speed / size, 1))).sum())


def _near(people: Sequence[Trajectory]) -> float:
    """Share of the frames that show both people in which the live program would pair them."""
    if len(people) < PEOPLE:
        return 0.0
    _, first, second = np.intersect1d(people[0].frames, people[1].frames, return_indices=True)
    if not len(first):
        return 0.0
    poses = [people[0].keypoints[first], people[1].keypoints[second]]
    paired = 0
    for pair in zip(*map(_boxes, poses), strict=True):
        persons = [Person(number, box, np.zeros((17, 3))) for number, box in enumerate(pair)]
        paired += (0, 1) in choose_groups(persons)
    return paired / len(first)
