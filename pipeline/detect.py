"""Where people are: MoveNet MultiPose on the whole picture."""

import models.mmcv_ops  # noqa: F401  (before the first import of MMPose)

# isort: split
from dataclasses import dataclass

import numpy as np
from mmpose.evaluation.functional.nms import oks_nms

from models.errors import UserError
from models.pose_model import CONFIGS, WEIGHTS, PoseModel, load_config


@dataclass(frozen=True)
class Detections:
    """The people in one picture, best first.

    Attributes:
        boxes: float32 [P, 5], x1, y1, x2, y2 in pixels and the person's score in 0..1.
        keypoints: float32 [P, 17, 3], x, y in pixels and score in 0..1, COCO order.
    """

    boxes: np.ndarray
    keypoints: np.ndarray

    def __len__(self):
        return len(self.boxes)


CLOSE_UP = 320
"""Longer side of the network's input for a region. Of 27 frames of a hug it told two people apart
in all (192 in 6, 384 in 9); crops of one person each in 20 (Lightning) and 3 (Thunder)."""

MARGIN = 1.2
"""A region is looked at with a square about it, so many times its longer side."""


class Detector:
    """Finds people, and their joints at the detector's own resolution.

    Args:
        size: longer side of the network's input in pixels; the picture's shape is kept.
        device: as PyTorch names it.
        threshold: least score of a person; the one of models/configs/movenet_multipose.py if None.
        overlap: object keypoint similarity from which the weaker of two people is a duplicate.

    Raises:
        UserError: a size too small to see anyone, or the device is not there.

    Example:
        >>> people = Detector()(image)
        >>> people.boxes, people.keypoints  # float32 [P, 5], [P, 17, 3]
    """

    def __init__(self, size=512, device="cpu", threshold=None, overlap=0.7):
        if size < 64:
            raise UserError(f"detector size {size} is too small: choose 64 pixels or more")
        self.size = size
        self.overlap = overlap
        config = load_config(CONFIGS / "movenet_multipose.py")
        if threshold is not None:
            config.model.test_cfg.score_thr = threshold
        self.model = PoseModel(config, device)
        self.model.load(WEIGHTS / "movenet_multipose.pth")

    def __call__(self, image, region=None):
        """Finds the people in one picture, or in a part of it.

        A region about people who overlap tells them apart where crops of one person each cannot,
        and costs about as much as two such crops.

        Args:
            image: uint8 [H, W, 3], BGR.
            region: x1, y1, x2, y2 in pixels, such as the union of two people's boxes.

        Returns:
            `Detections` in pixels of the whole picture, best first, none twice.
        """
        if region is None:
            return self._look(image, self.size, np.zeros(2, np.float32))
        left, top, right, bottom = square(region, image.shape)
        return self._look(image[top:bottom, left:right], CLOSE_UP, np.float32([left, top]))

    def _look(self, image, size, origin):
        (people,) = self.model([dict(img=image, long_side=size)])
        places = people.keypoints + origin
        keypoints = np.dstack((places, people.keypoint_scores)).astype(np.float32)
        boxes = people.bboxes + np.tile(origin, 2)
        boxes = np.column_stack((boxes, people.bbox_scores)).astype(np.float32)
        kept = distinct(boxes, keypoints, self.overlap)
        return Detections(boxes[kept], keypoints[kept])


def square(region, shape):
    """The square about a region with `MARGIN`, as far as it is within a picture of this shape.

    Returns:
        left, top, right, bottom as integers, at least one pixel apart.
    """
    corners = np.asarray(region, np.float64)[:4].reshape(2, 2)
    reach = MARGIN * max(corners[1] - corners[0]) / 2
    limit = np.array(shape[1::-1])
    low = np.clip(corners.mean(0) - reach, 0, limit - 1).astype(int)
    high = np.clip(np.ceil(corners.mean(0) + reach).astype(int), low + 1, limit)
    return (*low, *high)


def distinct(boxes, keypoints, overlap):
    """Indices of the people who are not a better one's duplicate, best first."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    people = [
        dict(keypoints=k, area=a, score=s)
        for k, a, s in zip(keypoints, areas, boxes[:, 4], strict=True)
    ]
    return np.asarray(oks_nms(people, overlap), dtype=int)
