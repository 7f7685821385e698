"""Bodies to test with: a standing skeleton that can be put anywhere."""

import numpy as np

STANDING = np.array(
    [
        *[(0, -0.92), (-0.02, -0.94), (0.02, -0.94), (-0.05, -0.93), (0.05, -0.93)],
        *[(-0.12, -0.8), (0.12, -0.8), (-0.15, -0.6), (0.15, -0.6), (-0.16, -0.42), (0.16, -0.42)],
        *[(-0.08, -0.5), (0.08, -0.5), (-0.08, -0.25), (0.08, -0.25), (-0.08, 0.0), (0.08, 0.0)],
    ],
    np.float32,
)
"""COCO-17 joints of a person one unit tall, feet at the origin, seen from behind."""


def body(x: float, y: float = 400, height: float = 200, score: float = 0.9) -> np.ndarray:
    """Keypoints float32 [17, 3] of a person whose feet are at (x, y)."""
    points = STANDING * height + np.float32([x, y])
    return np.concatenate([points, np.full((17, 1), score, np.float32)], axis=1)


def box_of(keypoints: np.ndarray) -> np.ndarray:
    """Box float32 [5] around the joints."""
    points = keypoints[:, :2]
    return np.float32([*points.min(axis=0), *points.max(axis=0), 0.9])
