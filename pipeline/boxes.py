"""Boxes, [N, 4]: x1, y1, x2, y2 in pixels."""

import numpy as np


def iou(boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of every two of the boxes [T, 4]: [T, T]."""
    a, b = boxes[:, None], boxes[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.maximum(sides, 0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    return shared / np.maximum(area[:, None] + area - shared, 1e-9)


def connected(linked: np.ndarray) -> np.ndarray:
    """Number the groups of what is linked, directly or through others.

    Args:
        linked: bool [T, T], symmetric, and true from each to itself.

    Returns:
        [T], the same number for all of a group: the index of its first member.
    """
    reached = linked
    while (further := reached @ reached).sum() > reached.sum():
        reached = further
    return reached.argmax(axis=1)
