"""Turn timed keypoints into network input. Training and the live program both use this module.

A window is 64 steps of time. Its coordinates are in torso lengths, with one origin and one unit for
both people, fixed over the window. So walking, approaching and leaving stay visible, and the size
of the image does not matter.
"""

from collections.abc import Sequence

import numpy as np

from models.skeleton import FACE, JOINTS

STEPS = 64
"""Time steps in a window (T in the paper)."""

RATE = 40.0
"""Steps per second of a live window, which therefore spans 1.6 s. That is about as long as the
training clips (medians: JHMDB 1.3 s, SBU 1.5 s, MSR Action3D 2.6 s) and short enough for an early
answer."""

MAX_GAP = 0.2
"""Longest time between two detections of a joint that is interpolated, in seconds."""

PEOPLE = 2
"""People in a window (P in the paper)."""

Track = tuple[np.ndarray, np.ndarray]
"""One person over F frames: times float64 [F] in seconds, ascending, and keypoints float32
[F, 17, 3] (x and y in pixels, score)."""

_CLOCK_TOLERANCE = 1e-4
"""Largest difference between two timestamps of the same moment, in seconds."""

_BONE_LENGTHS = {
    **{(5, 11): 0.288, (6, 12): 0.288},  # shoulder to hip
    **{(5, 7): 0.186, (6, 8): 0.186, (7, 9): 0.146, (8, 10): 0.146},  # upper arm, forearm
    **{(11, 13): 0.245, (12, 14): 0.245, (13, 15): 0.246, (14, 16): 0.246},  # thigh, shank
    **{(0, 5): 0.165, (0, 6): 0.165, (5, 6): 0.2},  # nose to shoulder, shoulder to shoulder
}
"""Bone lengths as fractions of body height (Drillis and Contini, 1966). The shoulder joints of COCO
lie inside the outline of the body."""

_BONE_A, _BONE_B = (np.array(ends) for ends in zip(*_BONE_LENGTHS, strict=True))
_TYPICAL = np.array(list(_BONE_LENGTHS.values()), np.float32) / _BONE_LENGTHS[5, 11]


def span_window(
    people: Sequence[Track], end: float, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a window of fixed length that ends at a given time, as in the live program.

    Args:
        people: one or two tracks whose times have the same origin.
        end: time of the last step, in seconds.
        threshold: keypoints with a lower score are absent.

    Returns:
        window float32 [2, 64, 17, 2] in torso lengths, and present bool [2, 64, 17]. Where
        `present` is False, the zeros in the window have no meaning.

    Raises:
        ValueError: neither one nor two people are given.
    """
    return _window(people, end - np.arange(STEPS - 1, -1, -1) / RATE, threshold)


def clip_window(people: Sequence[Track], threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Stretch whole tracks over the 64 steps, as benchmarks in the literature do.

    Args:
        people: one or two tracks whose times have the same origin.
        threshold: keypoints with a lower score are absent.

    Returns:
        window and present, as from `span_window`.

    Raises:
        ValueError: neither one nor two people are given.
    """
    times = np.concatenate([times for times, _ in people])
    return _window(people, np.linspace(times.min(), times.max(), STEPS), threshold)


def _window(
    people: Sequence[Track], steps: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Sample people at the given times, steps float64 [64] in seconds, and normalise them."""
    if not 1 <= len(people) <= PEOPLE:
        raise ValueError(f"a window holds 1 or {PEOPLE} people, not {len(people)}")
    window = np.zeros((PEOPLE, STEPS, len(JOINTS), 2), np.float32)
    present = np.zeros(window.shape[:-1], bool)
    for person, (times, keypoints) in enumerate(people):
        values, present[person] = interpolate(times, keypoints, steps, threshold)
        window[person] = values[..., :2]
    present[:, :, FACE] = False
    return _normalise(window, present)


def interpolate(
    times: np.ndarray, keypoints: np.ndarray, steps: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate each joint linearly between its own detections.

    Args:
        times: float64 [F] in seconds, ascending.
        keypoints: float32 [F, 17, C], the last channel is the score.
        steps: float64 [S], the times to interpolate at.
        threshold: keypoints with a lower score are not detections.

    Returns:
        Keypoints float32 [S, 17, C] and presence bool [S, 17]. A joint is present where the
        detections before and after a step are no further apart than `MAX_GAP`. Where it is not, its
        values have no meaning.
    """
    frames = len(times)
    seen = (keypoints[..., -1] >= threshold) & (keypoints[..., -1] > 0)
    index = np.arange(frames)[:, None]
    last_seen = np.full((frames + 1, len(JOINTS)), -1)
    last_seen[1:] = np.maximum.accumulate(np.where(seen, index, -1), axis=0)
    next_seen = np.full((frames + 1, len(JOINTS)), frames)
    next_seen[:-1] = np.minimum.accumulate(np.where(seen, index, frames)[::-1], axis=0)[::-1]

    before = last_seen[np.searchsorted(times, steps + _CLOCK_TOLERANCE, side="right")]
    after = next_seen[np.searchsorted(times, steps - _CLOCK_TOLERANCE, side="left")]
    present = (before >= 0) & (after < frames)
    before, after = np.where(present, before, 0), np.where(present, after, 0)
    gap = times[after] - times[before]
    present &= gap <= MAX_GAP + _CLOCK_TOLERANCE

    weight = (steps[:, None] - times[before]) / np.where(gap > 0, gap, 1)
    weight = np.clip(weight, 0, 1)[..., None].astype(np.float32)
    joints = np.arange(len(JOINTS))
    start, stop = keypoints[before, joints], keypoints[after, joints]
    return start + weight * (stop - start), present


def _normalise(window: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Convert pixels to torso lengths around a common origin.

    Everything is absent where nobody has a measurable bone, because then there is no scale.
    """
    visible = np.where(present[..., None], window, np.nan)
    here = [person for person in range(PEOPLE) if present[person].any()]
    units = [unit for unit in (torso_length(visible[person]) for person in here) if unit > 0]
    if not units:
        return np.zeros_like(window), np.zeros_like(present)
    origin = np.mean([_centre(visible[person]) for person in here], axis=0)
    scaled = (visible - origin) / np.float32(np.mean(units))
    return np.where(present[..., None], scaled, 0).astype(np.float32), present


def torso_length(joints: np.ndarray) -> float:
    """Estimate a person's torso length from all visible bones.

    Each bone is measured by its median over time, which ignores outliers of the pose estimator.
    Projection shortens bones and never lengthens them, so the estimate is the upper quartile over
    bones, each relative to its typical length. Enough bones remain when a person bends, turns
    sideways, or is cut off by the frame.

    Args:
        joints: float [F, 17, 2] in pixels, NaN where a joint is absent.

    Returns:
        The torso length in pixels, or 0 if no bone is visible.
    """
    lengths = np.linalg.norm(joints[:, _BONE_A] - joints[:, _BONE_B], axis=-1)
    seen = ~np.isnan(lengths).all(axis=0)
    if not seen.any():
        return 0.0
    relative = np.sort(_median(lengths[:, seen]) / _TYPICAL[seen])
    return float(np.interp(0.75, np.linspace(0, 1, len(relative)), relative))


def _centre(joints: np.ndarray) -> np.ndarray:
    """Median position [2] of the shoulders, which the frame rarely cuts off.

    If they are never visible, the nose is used instead, then the hips, then all joints.
    """
    for group in ((5, 6), (0,), (11, 12), range(len(JOINTS))):
        points = joints[:, group].reshape(-1, 2)
        if not np.isnan(points).all():
            break
    return _median(points)


def _median(values: np.ndarray) -> np.ndarray:
    """Median over the first axis, ignoring NaN. Of two middle values, take the lower one.

    Every column must have a value. `np.nanmedian` and `np.nanquantile` take ten times as long on
    arrays of this size.
    """
    middle = ((~np.isnan(values)).sum(axis=0) - 1) // 2
    return np.take_along_axis(np.sort(values, axis=0), middle[None], axis=0)[0]
