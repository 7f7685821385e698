"""Where people are: MoveNet MultiPose on views of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.pose.oks import oks
from models.runtime.compiled import CompiledBottomup
from models.runtime.graphs import choose_runtime
from pipeline.boxes import iou
from pipeline.search import View, all_views

TILE_EDGE = 2
"""Pixels from a tile's inner edges within which a person may be cut off."""
MAX_INSIDE = 0.7
"""Share of a detection's box inside another person's box from which it may be a part of that
person's body, which looks like a small person where it is magnified."""
PART_HEIGHT = 0.6
"""Height of such a part, at most, relative to the other person's."""

CROSS_VIEW_OKS, CROSS_VIEW_IOU = 0.45, 0.7
"""Similarity of two detections in different views, or IoU of their boxes, above which they are the
same person."""

NO_BOXES = np.zeros((0, 4), np.float32)


@dataclass(frozen=True)
class Detections:
    """The people in one picture, highest score first.

    Attributes:
        boxes: float32 [P, 5], x1, y1, x2, y2 in pixels and the person's score in 0..1.
        keypoints: float32 [P, 17, 3], x, y in pixels and score in 0..1, COCO order.
    """

    boxes: np.ndarray
    keypoints: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)

    def select(self, which: np.ndarray) -> "Detections":
        """Those of a mask, or in the order of an index."""
        return Detections(self.boxes[which], self.keypoints[which])


class DetectorNetwork(Protocol):
    """A network that finds all people in a picture, run by MMPose or ONNX Runtime."""

    def __call__(self, image: np.ndarray, long_side: int, /) -> tuple[np.ndarray, np.ndarray]:
        """Boxes float32 [P, 5] and keypoints float32 [P, 17, 3] of all people in the picture."""


class Detector:
    """Finds people, and their keypoints at the detector's resolution.

    Args:
        device: as PyTorch names it.
        threshold: least score of a person; the one of models/configs/movenet_multipose.py if None.
        nms_threshold: object keypoint similarity (OKS) above which the weaker of two detections in
            one view is a duplicate.
        runtime: "onnx" or "torch"; the faster one on the device if None.
        threads: CPU threads of ONNX Runtime; two if None.

    Raises:
        UserError: the device is not available.

    Example:
        >>> people = Detector()(image)
        >>> people.boxes, people.keypoints  # float32 [P, 5], [P, 17, 3]
    """

    def __init__(
        self,
        device: str = "cpu",
        threshold: float | None = None,
        nms_threshold: float = 0.7,
        runtime: str | None = None,
        threads: int | None = None,
    ):
        self.nms_threshold = nms_threshold
        if choose_runtime(runtime, device) == "onnx":
            self.model: DetectorNetwork = CompiledBottomup(
                "movenet_multipose", device, threshold, threads
            )
        else:
            # Imported here: it takes seconds and 600 MB, which the compiled network saves.
            from models.pose.estimators import Bottomup

            self.model = Bottomup("movenet_multipose", device, threshold)

    def __call__(
        self,
        image: np.ndarray,
        views: Sequence[View] | None = None,
        tracked: np.ndarray = NO_BOXES,
    ) -> Detections:
        """Find the people in views of a picture.

        Magnified, a part of a large person's body may pass for a small person. So what lies inside
        the box of a tracked person, or of a person found in another view, and is much smaller than
        they are, is dropped.

        Args:
            image: uint8 [H, W, 3], BGR.
            views: where to look, and how closely; people of all sizes are looked for if None.
            tracked: [K, >= 4], boxes of tracked people, in pixels.

        Returns:
            Detections in pixels of the whole picture, without duplicates.
        """
        views = all_views(image.shape) if views is None else views
        found = [self._detect(image, view) for view in views]
        view = np.repeat(np.arange(len(views)), [len(people) for people in found])
        boxes = np.concatenate([people.boxes for people in found])
        keypoints = np.concatenate([people.keypoints for people in found])
        people = Detections(boxes, keypoints)
        people = people.select(nms(boxes, keypoints, view, self.nms_threshold))
        others = np.concatenate([np.asarray(tracked, np.float32)[:, :4], people.boxes[:, :4]])
        return people.select(~is_part(people.boxes, others))

    def _detect(self, image: np.ndarray, view: View) -> Detections:
        """Run the network on one view, and map what it finds to the whole picture."""
        part = image[view.top : view.bottom, view.left : view.right]
        boxes, keypoints = self.model(np.rot90(part, -view.quarter_turns), view.size)
        boxes, keypoints = turn_back(boxes, keypoints, part.shape, view.quarter_turns)
        if view.tile:
            kept = is_small_and_whole(boxes, view, image.shape)
            boxes, keypoints = boxes[kept], keypoints[kept]
        origin = np.array([view.left, view.top], np.float32)
        boxes[:, :4] += np.tile(origin, 2)
        keypoints[..., :2] += origin
        return Detections(boxes, keypoints)


def turn_back(
    boxes: np.ndarray, keypoints: np.ndarray, shape: Sequence[int], quarter_turns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Map boxes [P, 5] and keypoints [P, 17, 3] to the picture before it was turned clockwise.

    Args:
        boxes, keypoints: in pixels of the turned picture.
        shape: height and width before it was turned.
        quarter_turns: by 90 degrees.
    """
    width, height = shape[1], shape[0]
    for turn in range(quarter_turns % 4):
        # One turn sends (x, y) to (height - 1 - y, x), the height being that before the turn.
        before = height if (quarter_turns - 1 - turn) % 2 == 0 else width
        keypoints = np.stack(
            (keypoints[..., 1], before - 1 - keypoints[..., 0], keypoints[..., 2]), -1
        )
        x1, y1, x2, y2, score = boxes.T
        boxes = np.stack((y1, before - 1 - x2, y2, before - 1 - x1, score), -1)
    return boxes, keypoints


def is_small_and_whole(boxes: np.ndarray, view: View, shape: Sequence[int]) -> np.ndarray:
    """Which boxes [P, 5], in pixels of a tile, are of small people not cut by its edges: bool [P].

    An edge of the tile that is the picture's own cuts nobody.
    """
    height, width = shape[:2]
    small = boxes[:, 3] - boxes[:, 1] < (view.bottom - view.top) / 2
    x1, y1, x2, y2 = boxes[:, :4].T
    cut = np.zeros(len(boxes), bool)
    if view.left > 0:
        cut |= x1 <= TILE_EDGE
    if view.top > 0:
        cut |= y1 <= TILE_EDGE
    if view.right < width:
        cut |= x2 >= view.right - view.left - TILE_EDGE
    if view.bottom < height:
        cut |= y2 >= view.bottom - view.top - TILE_EDGE
    return small & ~cut


def is_part(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which boxes [P, >= 4] are mostly inside a much taller one of `others` [K, >= 4]: bool [P]."""
    boxes, others = boxes[:, None, :4], others[None, :, :4]
    low = np.maximum(boxes[..., :2], others[..., :2])
    high = np.minimum(boxes[..., 2:], others[..., 2:])
    shared = np.maximum(high - low, 0).prod(-1)
    inside = shared > MAX_INSIDE * (boxes[..., 2:] - boxes[..., :2]).prod(-1)
    longer = [(sides[..., 2:] - sides[..., :2]).max(-1) for sides in (boxes, others)]
    return (inside & (longer[0] < PART_HEIGHT * longer[1])).any(1)


def nms(boxes: np.ndarray, keypoints: np.ndarray, view: np.ndarray, threshold: float) -> np.ndarray:
    """Non-maximum suppression by object keypoint similarity (OKS).

    A body that is seen in two views may be found with two poses, most of all where one view is
    turned. So for two views less similarity is enough, or boxes that overlap.

    Args:
        boxes: [P, 5], the last column scores.
        keypoints: [P, 17, 3].
        view: int [P], the number of the view that each was found in.
        threshold: OKS in one view above which the detection with the lower score is dropped.

    Returns:
        Indices of the detections that are kept, highest score first.
    """
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    overlap = iou(boxes[:, :4])
    order, kept = boxes[:, 4].argsort()[::-1], []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        similarity = oks(keypoints[best], keypoints[order], areas[best], areas[order])
        other = view[order] != view[best]
        same = similarity > np.where(other, CROSS_VIEW_OKS, threshold)
        same |= other & (overlap[best, order] > CROSS_VIEW_IOU)
        order = order[~same]
    return np.array(kept, int)
