"""Object keypoint similarity (OKS) of two poses, as COCO defines it."""

import numpy as np

SIGMAS = 0.01 * np.array(
    (2.6, 2.5, 2.5, 3.5, 3.5, 7.9, 7.9, 7.2, 7.2, 6.2, 6.2, 10.7, 10.7, 8.7, 8.7, 8.9, 8.9)
)
"""Standard deviation of annotations of each joint, in square roots of a body's area (COCO)."""


def oks(
    pose: np.ndarray,
    others: np.ndarray,
    area: float,
    areas: np.ndarray,
    threshold: float | None = None,
) -> np.ndarray:
    """Compute the similarity of one pose to others.

    Equal to MMPose's `oks_iou`, which cannot be used without loading PyTorch.

    Args:
        pose: [17, 3], x and y in pixels and score.
        others: [N, 17, 3].
        area: of the body of `pose`, in square pixels.
        areas: [N], of the bodies of `others`.
        threshold: count only joints with a higher score in both poses. If None, count all joints.

    Returns:
        float32 [N] in 0..1, 0 where no joint counts.
    """
    distance = ((others[..., :2] - pose[:, :2]) ** 2).sum(-1)  # [N, 17]
    scale = (area + np.asarray(areas, np.float64)) / 2 + np.spacing(1)
    similarity = np.exp(-distance / (2 * SIGMAS) ** 2 / scale[:, None] / 2)
    if threshold is None:
        return similarity.mean(-1).astype(np.float32)
    counts = (pose[:, 2] > threshold) & (others[..., 2] > threshold)
    total = (similarity * counts).sum(-1) / np.maximum(counts.sum(-1), 1)
    return total.astype(np.float32)
