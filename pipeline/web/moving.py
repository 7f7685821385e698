"""A take as a small moving drawing of its skeletons, in SVG."""

import numpy as np

from models.data.recording import Skeletons
from models.skeleton import BONES, JOINTS

RATE = 8.0
"""Pictures a second."""
SIZE = 100
"""Width and height of the drawing, in its own units."""
MARGIN = 6
SIDES = ("left", "right", "middle")
"""Classes of the lines, for the style sheet."""


def moving_skeletons(skeletons: Skeletons) -> str:
    """Draw a take, again and again at its own pace, with one line for each side of a body.

    Args:
        skeletons: with somebody in them.
    """
    times = skeletons.times - skeletons.times[0]
    count = max(2, int(times[-1] * RATE))
    moments = np.searchsorted(times, np.linspace(0, times[-1], count)).clip(max=len(times) - 1)
    points = skeletons.keypoints[:, moments]
    seconds = max(float(times[-1]), 1 / RATE)
    places = _fit(points)
    lines = "".join(_line(side, places, points[..., 2] > 0, seconds) for side in SIDES)
    return f'<svg viewBox="0 0 {SIZE} {SIZE}" aria-hidden="true">{lines}</svg>'


def _fit(points: np.ndarray) -> np.ndarray:
    """Scale points [P, F, 17, 3] to the drawing, with everybody in the middle: [P, F, 17, 2]."""
    seen = points[..., 2] > 0
    low, high = points[seen][:, :2].min(axis=0), points[seen][:, :2].max(axis=0)
    scale = (SIZE - 2 * MARGIN) / max(float((high - low).max()), 1.0)
    return (points[..., :2] - (low + high) / 2) * scale + SIZE / 2


def _line(side: str, places: np.ndarray, seen: np.ndarray, seconds: float) -> str:
    bones = [bone for bone in BONES if _side(*bone) == side]
    frames = [
        "".join(
            _stroke(person[frame, a], person[frame, b])
            for person, here in zip(places, seen, strict=True)
            for a, b in bones
            if here[frame, a] and here[frame, b]
        )
        or "M0 0"  # an animation must have something at each moment
        for frame in range(places.shape[1])
    ]
    middle = frames[len(frames) // 2]
    return (
        f'<path class="{side}" d="{middle}"><animate attributeName="d" dur="{seconds:.2f}s" '
        f'repeatCount="indefinite" calcMode="discrete" values="{";".join(frames)}"/></path>'
    )


def _stroke(start: np.ndarray, end: np.ndarray) -> str:
    return f"M{start[0]:.0f} {start[1]:.0f}L{end[0]:.0f} {end[1]:.0f}"


def _side(a: int, b: int) -> str:
    sides = {JOINTS[joint].split()[0] for joint in (a, b)}
    return sides.pop() if len(sides) == 1 else "middle"
