"""Where people are: MoveNet MultiPose on the whole picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.errors import UserError
from models.pose.oks import oks
from models.runtime.compiled import CompiledBottomup
from models.runtime.graphs import choose_runtime


@dataclass(frozen=True)
class Detections:
    """The people in one picture, best first.

    Attributes:
        boxes: float32 [P, 5], x1, y1, x2, y2 in pixels and the person's score in 0..1.
        keypoints: float32 [P, 17, 3], x, y in pixels and score in 0..1, COCO order.
    """

    boxes: np.ndarray
    keypoints: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)


CLOSE_UP = 320
"""Longer side of the network's input for a region. Of 27 frames of a hug it told two people apart
in all (192 in 6, 384 in 9); crops of one person each in 20 (Lightning) and 3 (Thunder)."""

MARGIN = 1.2
"""A region is looked at with a square about it, so many times its longer side."""


QUARTER = 0.6
"""Sides of the four overlapping parts in which small people are looked for, in sides of the
picture. Two people were found in all of five pictures 1920 pixels wide at 512 when they were 173
pixels tall or more in the whole, and from 86 pixels in a part; at 65 in four of five."""

PIECE = 0.7
"""Share of somebody's box in a known person's from which they are taken for a piece of them."""

Region = Sequence[float] | np.ndarray
"""left, top, right, bottom of a part of a picture."""

NOBODY = np.zeros((0, 4), np.float32)

RIM = 2
"""Pixels from a part's inner edges within which somebody may be cut off."""


class DetectorNetwork(Protocol):
    """A network that finds everybody in a picture, by MMPose or compiled."""

    def __call__(self, image: np.ndarray, long_side: int, /) -> tuple[np.ndarray, np.ndarray]:
        """Boxes float32 [P, 5] and keypoints float32 [P, 17, 3] of everyone in the picture."""


class Detector:
    """Finds people, and their joints at the detector's own resolution.

    Args:
        size: longer side of the network's input in pixels; the picture's shape is kept.
        device: as PyTorch names it.
        threshold: least score of a person; the one of models/configs/movenet_multipose.py if None.
        overlap: object keypoint similarity from which the weaker of two people is a duplicate.
        runtime: "onnx" or "torch"; the faster one on the device if None.

    Raises:
        UserError: a size too small to see anyone, or the device is not there.

    Example:
        >>> people = Detector()(image)
        >>> people.boxes, people.keypoints  # float32 [P, 5], [P, 17, 3]
    """

    def __init__(
        self,
        size: int = 512,
        device: str = "cpu",
        threshold: float | None = None,
        overlap: float = 0.7,
        runtime: str | None = None,
    ):
        if size < 64:
            raise UserError(f"detector size {size} is too small: choose 64 pixels or more")
        self.size = size
        self.overlap = overlap
        if choose_runtime(runtime, device) == "onnx":
            self.model: DetectorNetwork = CompiledBottomup("movenet_multipose", device, threshold)
        else:
            # Imported here, since it takes seconds and 600 MB that graphs do without.
            from models.pose.estimators import Bottomup

            self.model = Bottomup("movenet_multipose", device, threshold)

    def __call__(self, image: np.ndarray, region: Region | None = None) -> Detections:
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
        origin = np.array([left, top], np.float32)
        return self._look(image[top:bottom, left:right], CLOSE_UP, origin)

    def search(self, image: np.ndarray, turn: int, known: np.ndarray = NOBODY) -> Detections:
        """Finds the people in one picture of many, small ones in their turn.

        Every other look is at one of four overlapping parts of the picture, which magnifies it; the
        first is at everything. Magnified, a piece of a large person may pass for a small one: so
        nobody is found in a part who is inside the box of somebody known.

        Args:
            image: uint8 [H, W, 3], BGR.
            turn: number of the look, from 0.
            known: [K, >= 4], boxes of people known to be there, in pixels.

        Returns:
            `Detections` in pixels of the whole picture, best first, none twice.
        """
        if turn and not self._is_part(image, turn):
            return self(image)
        if turn:
            return self._part(image, turn // 2 % 4, known)
        whole = self(image)
        if not self._has_parts(image):
            return whole
        parts = [self._part(image, number, whole.boxes) for number in range(4)]
        return self._without_duplicates([whole, *parts])

    def regions(self, image: np.ndarray, turn: int) -> list[tuple[float, float, float, float]]:
        """What `search` looks at: left, top, right, bottom in 0..1 of the picture, one or more."""
        if turn and self._is_part(image, turn):
            return [_quarter(turn // 2 % 4)]
        parts = map(_quarter, range(4)) if not turn and self._has_parts(image) else ()
        return [(0.0, 0.0, 1.0, 1.0), *parts]

    def _has_parts(self, image: np.ndarray) -> bool:
        """Whether a part of the picture shows more than the whole."""
        return max(image.shape) * QUARTER >= self.size

    def _is_part(self, image: np.ndarray, turn: int) -> bool:
        return turn % 2 == 1 and self._has_parts(image)

    def _part(self, image: np.ndarray, number: int, known: np.ndarray) -> Detections:
        """The small people wholly inside one of the four parts."""
        shape, side = np.array(image.shape[1::-1]), _side(number)
        low = (shape * (1 - QUARTER)).astype(int) * side
        high = np.where(side, shape, np.ceil(shape * QUARTER).astype(int))
        part = image[low[1] : high[1], low[0] : high[0]]
        found = self._look(part, self.size, low.astype(np.float32))
        small = found.boxes[:, 3] - found.boxes[:, 1] < (high - low)[1] / 2
        whole = np.where(side, found.boxes[:, :2] > low + RIM, found.boxes[:, 2:4] < high - RIM)
        kept = small & whole.all(1) & ~inside(found.boxes, known)
        return Detections(found.boxes[kept], found.keypoints[kept])

    def _look(self, image: np.ndarray, size: int, origin: np.ndarray) -> Detections:
        boxes, keypoints = self.model(image, size)
        boxes[:, :4] += np.tile(origin, 2)
        keypoints[..., :2] += origin
        return self._without_duplicates([Detections(boxes, keypoints)])

    def _without_duplicates(self, looks: Sequence[Detections]) -> Detections:
        boxes = np.concatenate([found.boxes for found in looks])
        keypoints = np.concatenate([found.keypoints for found in looks])
        kept = distinct(boxes, keypoints, self.overlap)
        return Detections(boxes[kept], keypoints[kept])


def _side(number: int) -> np.ndarray:
    """Whether a part is right of the left one, and below the upper one: [2] of 0 or 1."""
    return np.array([number % 2, number // 2])


def _quarter(number: int) -> tuple[float, float, float, float]:
    """A part: left, top, right, bottom in 0..1 of the picture."""
    left, top = (_side(number) * (1 - QUARTER)).tolist()
    return left, top, left + QUARTER, top + QUARTER


def inside(boxes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which boxes [P, >= 4] lie for the most part in one of the known ones [K, >= 4]: bool [P]."""
    boxes, known = boxes[:, None, :4], np.asarray(known, np.float32)[None, :, :4]
    low, high = (
        np.maximum(boxes[..., :2], known[..., :2]),
        np.minimum(boxes[..., 2:], known[..., 2:]),
    )
    shared = np.maximum(high - low, 0).prod(-1)
    return (shared > PIECE * (boxes[..., 2:] - boxes[..., :2]).prod(-1)).any(1)


def square(region: Region, shape: Sequence[int]) -> tuple[int, int, int, int]:
    """The square about a region with `MARGIN`, as far as it is within a picture of this shape.

    Returns:
        left, top, right, bottom as integers, at least one pixel apart.
    """
    corners = np.asarray(region, np.float64)[:4].reshape(2, 2)
    reach = MARGIN * max(corners[1] - corners[0]) / 2
    limit = np.array(shape[1::-1])
    low = np.clip(corners.mean(0) - reach, 0, limit - 1).astype(int)
    high = np.clip(np.ceil(corners.mean(0) + reach).astype(int), low + 1, limit)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    return left, top, right, bottom


def distinct(boxes: np.ndarray, keypoints: np.ndarray, overlap: float) -> np.ndarray:
    """Indices of the people who are not a better one's duplicate, best first."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order, kept = boxes[:, 4].argsort()[::-1], []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[oks(keypoints[best], keypoints[order], areas[best], areas[order]) <= overlap]
    return np.array(kept, int)
