"""Person detection: MoveNet MultiPose on the whole picture, or on a part of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.errors import UserError
from models.pose.oks import oks
from models.runtime.compiled import CompiledBottomup
from models.runtime.graphs import choose_runtime

REGION_INPUT = 320
"""Longer side of the network's input for a region, in pixels. Of 27 frames of a hug, 320 pixels
separated the two people in all, 192 in 6, 384 in 9; crops of one person each did in 20 (Lightning)
and 3 (Thunder)."""
REGION_SCALE = 1.2
"""Side of the square that is cut out around a region, in longer sides of the region."""

TILE = 0.6
"""Sides of the four overlapping tiles that are searched for small people, as fractions of the
picture's sides. In five pictures 1920 pixels wide, at an input of 512, two people were found in all
pictures from a height of 173 pixels in the whole picture, and of 86 pixels in a tile; at 65 pixels
in four of five."""
TILE_EDGE = 2
"""Pixels from a tile's inner edges within which a person may be cut off."""

MAX_INSIDE = 0.7
"""Share of a detection's box inside a tracked person's box from which it is taken for a part of
that person's body."""

NO_BOXES = np.zeros((0, 4), np.float32)

Region = Sequence[float] | np.ndarray
"""x1, y1, x2, y2 in pixels."""


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


class DetectorNetwork(Protocol):
    """A network that finds all people in a picture, run by MMPose or ONNX Runtime."""

    def __call__(self, image: np.ndarray, long_side: int, /) -> tuple[np.ndarray, np.ndarray]:
        """Boxes float32 [P, 5] and keypoints float32 [P, 17, 3] of all people in the picture."""


class Detector:
    """Finds people, and their keypoints at the detector's resolution.

    Args:
        size: longer side of the network's input in pixels; the picture's shape is kept.
        device: as PyTorch names it.
        threshold: least score of a person; the one of models/configs/movenet_multipose.py if None.
        nms_threshold: object keypoint similarity (OKS) above which the weaker of two detections is
            a duplicate.
        runtime: "onnx" or "torch"; the faster one on the device if None.

    Raises:
        UserError: the size is too small, or the device is not available.

    Example:
        >>> people = Detector()(image)
        >>> people.boxes, people.keypoints  # float32 [P, 5], [P, 17, 3]
    """

    def __init__(
        self,
        size: int = 512,
        device: str = "cpu",
        threshold: float | None = None,
        nms_threshold: float = 0.7,
        runtime: str | None = None,
    ):
        if size < 64:
            raise UserError(f"detector size {size} is too small: choose 64 pixels or more")
        self.size = size
        self.nms_threshold = nms_threshold
        if choose_runtime(runtime, device) == "onnx":
            self.model: DetectorNetwork = CompiledBottomup("movenet_multipose", device, threshold)
        else:
            # Imported here: it takes seconds and 600 MB, which the compiled network saves.
            from models.pose.estimators import Bottomup

            self.model = Bottomup("movenet_multipose", device, threshold)

    def __call__(self, image: np.ndarray, region: Region | None = None) -> Detections:
        """Find the people in a picture, or in a region of it.

        A region around overlapping people separates them where crops of one person each cannot. It
        costs about as much as two such crops.

        Args:
            image: uint8 [H, W, 3], BGR.
            region: x1, y1, x2, y2 in pixels, such as the union of two people's boxes.

        Returns:
            Detections in pixels of the whole picture, without duplicates.
        """
        if region is None:
            return self._detect(image, self.size, np.zeros(2, np.float32))
        left, top, right, bottom = square(region, image.shape)
        origin = np.array([left, top], np.float32)
        return self._detect(image[top:bottom, left:right], REGION_INPUT, origin)

    def search(self, image: np.ndarray, turn: int, tracked: np.ndarray = NO_BOXES) -> Detections:
        """Find the people in one frame of a scene, small ones in turns.

        The first call searches the whole picture and four overlapping tiles of it. After that,
        every other call searches one tile, and the calls between the whole picture. A tile
        magnifies small people. It also magnifies parts of large ones, which may pass for small
        people, so detections inside the box of a tracked person are dropped.

        Args:
            image: uint8 [H, W, 3], BGR.
            turn: number of the call in this scene, from 0.
            tracked: [K, >= 4], boxes of tracked people, in pixels.

        Returns:
            Detections in pixels of the whole picture, without duplicates.
        """
        if turn and not self._is_tile_turn(image, turn):
            return self(image)
        if turn:
            return self._search_tile(image, _tile_of_turn(turn), tracked)
        whole = self(image)
        if not self._has_tiles(image):
            return whole
        tiles = [self._search_tile(image, number, whole.boxes) for number in range(4)]
        return self._without_duplicates([whole, *tiles])

    def search_regions(
        self, image: np.ndarray, turn: int
    ) -> list[tuple[float, float, float, float]]:
        """The regions that `search` covers: left, top, right, bottom, as fractions of the sides."""
        if turn and self._is_tile_turn(image, turn):
            return [_tile_bounds(_tile_of_turn(turn))]
        tiles = map(_tile_bounds, range(4)) if not turn and self._has_tiles(image) else ()
        return [(0.0, 0.0, 1.0, 1.0), *tiles]

    def _has_tiles(self, image: np.ndarray) -> bool:
        """Whether a tile shows more detail than the whole picture at the network's input size."""
        return max(image.shape) * TILE >= self.size

    def _is_tile_turn(self, image: np.ndarray, turn: int) -> bool:
        return turn % 2 == 1 and self._has_tiles(image)

    def _search_tile(self, image: np.ndarray, number: int, tracked: np.ndarray) -> Detections:
        """The small people wholly inside a tile."""
        shape, side = np.array(image.shape[1::-1]), _tile_side(number)
        low = (shape * (1 - TILE)).astype(int) * side
        high = np.where(side, shape, np.ceil(shape * TILE).astype(int))
        tile = image[low[1] : high[1], low[0] : high[0]]
        found = self._detect(tile, self.size, low.astype(np.float32))
        small = found.boxes[:, 3] - found.boxes[:, 1] < (high - low)[1] / 2
        whole = np.where(
            side, found.boxes[:, :2] > low + TILE_EDGE, found.boxes[:, 2:4] < high - TILE_EDGE
        )
        kept = small & whole.all(1) & ~is_inside(found.boxes, tracked)
        return Detections(found.boxes[kept], found.keypoints[kept])

    def _detect(self, image: np.ndarray, size: int, origin: np.ndarray) -> Detections:
        """Run the network on a part of the picture whose top left corner is at `origin`, [2]."""
        boxes, keypoints = self.model(image, size)
        boxes[:, :4] += np.tile(origin, 2)
        keypoints[..., :2] += origin
        return self._without_duplicates([Detections(boxes, keypoints)])

    def _without_duplicates(self, detections: Sequence[Detections]) -> Detections:
        boxes = np.concatenate([found.boxes for found in detections])
        keypoints = np.concatenate([found.keypoints for found in detections])
        kept = oks_nms(boxes, keypoints, self.nms_threshold)
        return Detections(boxes[kept], keypoints[kept])


def _tile_of_turn(turn: int) -> int:
    return turn // 2 % 4


def _tile_side(number: int) -> np.ndarray:
    """Whether a tile is on the right, and at the bottom: [2] of 0 or 1."""
    return np.array([number % 2, number // 2])


def _tile_bounds(number: int) -> tuple[float, float, float, float]:
    """left, top, right, bottom of a tile, as fractions of the picture's sides."""
    left, top = (_tile_side(number) * (1 - TILE)).tolist()
    return left, top, left + TILE, top + TILE


def is_inside(boxes: np.ndarray, tracked: np.ndarray) -> np.ndarray:
    """Which boxes [P, >= 4] lie mostly inside one of the tracked ones [K, >= 4]: bool [P]."""
    boxes, tracked = boxes[:, None, :4], np.asarray(tracked, np.float32)[None, :, :4]
    low = np.maximum(boxes[..., :2], tracked[..., :2])
    high = np.minimum(boxes[..., 2:], tracked[..., 2:])
    shared = np.maximum(high - low, 0).prod(-1)
    return (shared > MAX_INSIDE * (boxes[..., 2:] - boxes[..., :2]).prod(-1)).any(1)


def square(region: Region, shape: Sequence[int]) -> tuple[int, int, int, int]:
    """Enlarge a region to a square by `REGION_SCALE`, and clip it to a picture of this shape.

    Returns:
        left, top, right, bottom in pixels, at least one pixel apart.
    """
    corners = np.asarray(region, np.float64)[:4].reshape(2, 2)
    reach = REGION_SCALE * max(corners[1] - corners[0]) / 2
    limit = np.array(shape[1::-1])
    low = np.clip(corners.mean(0) - reach, 0, limit - 1).astype(int)
    high = np.clip(np.ceil(corners.mean(0) + reach).astype(int), low + 1, limit)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    return left, top, right, bottom


def oks_nms(boxes: np.ndarray, keypoints: np.ndarray, threshold: float) -> np.ndarray:
    """Non-maximum suppression by object keypoint similarity.

    Args:
        boxes: [P, 5], the last column scores.
        keypoints: [P, 17, 3].
        threshold: similarity above which the detection with the lower score is dropped.

    Returns:
        Indices of the detections that are kept, highest score first.
    """
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order, kept = boxes[:, 4].argsort()[::-1], []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        similarity = oks(keypoints[best], keypoints[order], areas[best], areas[order])
        order = order[similarity <= threshold]
    return np.array(kept, int)
