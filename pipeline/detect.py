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


class Detector:
    """Finds people, and their joints at the detector's own resolution.

    Args:
        size: longer side of the network's input in pixels; the picture's shape is kept.
        device: as PyTorch names it.
        threshold: least score of a person.
        overlap: object keypoint similarity from which the weaker of two people is a duplicate.

    Raises:
        UserError: a size too small to see anyone, or the device is not there.

    Example:
        >>> people = Detector()(image)
        >>> people.boxes, people.keypoints  # float32 [P, 5], [P, 17, 3]
    """

    def __init__(self, size=512, device="cpu", threshold=0.2, overlap=0.7):
        if size < 64:
            raise UserError(f"detector size {size} is too small: choose 64 pixels or more")
        config = load_config(CONFIGS / "movenet_multipose.py")
        config.model.test_cfg.score_thr = threshold
        for step in config.test_dataloader.dataset.pipeline:
            if step.type == "FitLongSide":
                step.size = size
        self.model = PoseModel(config, WEIGHTS / "movenet_multipose.pth", device)
        self.overlap = overlap

    def __call__(self, image):
        """Finds the people in one picture.

        Args:
            image: uint8 [H, W, 3], BGR.

        Returns:
            `Detections`, best first, none twice.
        """
        (people,) = self.model([dict(img=image)])
        keypoints = np.dstack((people.keypoints, people.keypoint_scores)).astype(np.float32)
        boxes = np.column_stack((people.bboxes, people.bbox_scores)).astype(np.float32)
        kept = distinct(boxes, keypoints, self.overlap)
        return Detections(boxes[kept], keypoints[kept])


def distinct(boxes, keypoints, overlap):
    """Indices of the people who are not a better one's duplicate, best first."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    people = [
        dict(keypoints=k, area=a, score=s)
        for k, a, s in zip(keypoints, areas, boxes[:, 4], strict=True)
    ]
    return np.asarray(oks_nms(people, overlap), dtype=int)
