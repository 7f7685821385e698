"""Timed keypoints to network input: the one place, for training and live alike.

A window is 64 steps of time. Its coordinates are body lengths: one origin and one unit for both
people, fixed over the window, so that walking, approaching and leaving stay visible, and the size
of the picture never matters.
"""

from collections.abc import Sequence

import numpy as np

from models.skeleton import FACE, JOINTS

STEPS = 64
"""Steps of time in a window (T in the paper)."""

RATE = 40.0
"""Steps a second in a live window, which therefore spans 1.6 s: the length of the actions taught
(JHMDB 1.3 s, SBU 1.5 s, MSR Action3D 2.6 s, medians), and little enough to answer soon."""

MAX_GAP = 0.2
"""Seconds between two sightings of a joint beyond which nothing is interpolated."""

PEOPLE = 2
"""People in a window (P in the paper)."""

Track = tuple[np.ndarray, np.ndarray]
"""One person: times float64 [F] in seconds, ascending, and keypoints float32 [F, 17, 3] (x and y
in pixels, score)."""

_CLOCK = 1e-4
"""Seconds by which two clocks may disagree on the same moment."""

_LENGTHS = {
    **{(5, 11): 0.288, (6, 12): 0.288},  # shoulder to hip
    **{(5, 7): 0.186, (6, 8): 0.186, (7, 9): 0.146, (8, 10): 0.146},  # upper arm, forearm
    **{(11, 13): 0.245, (12, 14): 0.245, (13, 15): 0.246, (14, 16): 0.246},  # thigh, shank
    **{(0, 5): 0.165, (0, 6): 0.165, (5, 6): 0.2},  # nose to shoulder, shoulder to shoulder
}
"""Lengths over body height (Drillis and Contini, 1966; the joints of COCO's shoulders lie inside
the outline)."""

_BONE_A, _BONE_B = (np.array(ends) for ends in zip(*_LENGTHS, strict=True))
_TYPICAL = np.array(list(_LENGTHS.values()), np.float32) / _LENGTHS[5, 11]


def span_window(
    people: Sequence[Track], end: float, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the window of fixed span that ends now: what the live program sees.

    Args:
        people: one or two tracks, on one clock.
        end: time of the last step, seconds.
        threshold: keypoints with a lower score are absent.

    Returns:
        window float32 [2, 64, 17, 2] in typical torso lengths, and present bool [2, 64, 17].
        Where `present` is False, the window holds zeros that mean nothing.
    """
    return _window(people, end - np.arange(STEPS - 1, -1, -1) / RATE, threshold)


def clip_window(people: Sequence[Track], threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Stretch whole tracks over the 64 steps: the protocol of the literature.

    Arguments and result as in `span_window`.
    """
    times = np.concatenate([times for times, _ in people])
    return _window(people, np.linspace(times.min(), times.max(), STEPS), threshold)


def _window(
    people: Sequence[Track], steps: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    if not 1 <= len(people) <= PEOPLE:
        raise ValueError(f"a window holds 1 or {PEOPLE} people, not {len(people)}")
    window = np.zeros((PEOPLE, STEPS, len(JOINTS), 2), np.float32)
    present = np.zeros(window.shape[:-1], bool)
    for person, (times, keypoints) in enumerate(people):
        window[person], present[person] = _interpolate(times, keypoints, steps, threshold)
    return _normalise(window, present)


def _interpolate(
    times: np.ndarray, keypoints: np.ndarray, steps: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Each joint at each step, linearly between its own sightings: [64, 17, 2] and [64, 17]."""
    frames = len(times)
    seen = (keypoints[..., 2] >= threshold) & (keypoints[..., 2] > 0)
    seen[:, FACE] = False
    index = np.arange(frames)[:, None]
    last_seen = np.full((frames + 1, len(JOINTS)), -1)
    last_seen[1:] = np.maximum.accumulate(np.where(seen, index, -1), axis=0)
    next_seen = np.full((frames + 1, len(JOINTS)), frames)
    next_seen[:-1] = np.minimum.accumulate(np.where(seen, index, frames)[::-1], axis=0)[::-1]

    before = last_seen[np.searchsorted(times, steps + _CLOCK, side="right")]
    after = next_seen[np.searchsorted(times, steps - _CLOCK, side="left")]
    present = (before >= 0) & (after < frames)
    before, after = np.where(present, before, 0), np.where(present, after, 0)
    gap = times[after] - times[before]
    present &= gap <= MAX_GAP + _CLOCK

    weight = (steps[:, None] - times[before]) / np.where(gap > 0, gap, 1)
    weight = np.clip(weight, 0, 1)[..., None].astype(np.float32)
    joints = np.arange(len(JOINTS))
    start, stop = keypoints[before, joints, :2], keypoints[after, joints, :2]
    return start + weight * (stop - start), present


def _normalise(window: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Body lengths for pixels. People without one measurable bone leave nothing to scale by."""
    visible = np.where(present[..., None], window, np.nan)
    here = [person for person in range(PEOPLE) if present[person].any()]
    units = [unit for unit in (torso_length(visible[person]) for person in here) if unit > 0]
    if not units:
        return np.zeros_like(window), np.zeros_like(present)
    origin = np.mean([_centre(visible[person]) for person in here], axis=0)
    scaled = (visible - origin) / np.float32(np.mean(units))
    return np.where(present[..., None], scaled, 0).astype(np.float32), present


def torso_length(joints: np.ndarray) -> float:
    """Torso length in pixels, from every bone that is seen; 0 where none is.

    A projection shortens bones and never lengthens them, hence the upper quartile over bones; the
    median over time is for the estimator's slips. A torso foreshortened by bending, shoulders seen
    edge-on, or legs cut off by the frame leave enough other bones.
    """
    lengths = np.linalg.norm(joints[:, _BONE_A] - joints[:, _BONE_B], axis=-1)
    seen = ~np.isnan(lengths).all(axis=0)
    if not seen.any():
        return 0.0
    relative = np.sort(_median(lengths[:, seen]) / _TYPICAL[seen])
    return float(np.interp(0.75, np.linspace(0, 1, len(relative)), relative))


def _centre(joints: np.ndarray) -> np.ndarray:
    """Where a person is over the window, [2]: between the shoulders, which are rarely cut off."""
    for group in ((5, 6), (0,), (11, 12), range(len(JOINTS))):
        points = joints[:, group].reshape(-1, 2)
        if not np.isnan(points).all():
            break
    return _median(points)


def _median(values: np.ndarray) -> np.ndarray:
    """Median over the first axis of what is not NaN (the lower one of two), at least one a column.

    NumPy's own nanmedian takes ten times as long on arrays of this size, and its quantile as well.
    """
    middle = ((~np.isnan(values)).sum(axis=0) - 1) // 2
    return np.take_along_axis(np.sort(values, axis=0), middle[None], axis=0)[0]
