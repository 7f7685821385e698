"""Boxes, [N, 4]: x1, y1, x2, y2 in pixels."""

import numpy as np


def iou(boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of every two of the boxes [T, 4]: [T, T]."""
    a, b = boxes[:, None], boxes[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.maximum(sides, 0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    return shared / np.maximum(area[:, None] + area - shared, 1e-9)
