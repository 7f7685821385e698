"""Crop images for pose networks, and map the joints back to the image.

The crops are those of MMPose's pipelines, bit for bit, without loading PyTorch.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

MULTIPLE = 32
"""Sides of MoveNet's input are multiples of this number, the stride of its deepest features."""


@dataclass(frozen=True)
class Crop:
    """Input of a network, and its place in the image.

    Attributes:
        image: uint8 [h, w, 3], BGR.
        size: w, h.
        center: of the crop in the original image, x and y in pixels.
        extent: width and height of the crop in the original image, in pixels.
        turn: angle of the crop's sides to those of the original image, clockwise in radians.
    """

    image: np.ndarray
    size: tuple[int, int]
    center: np.ndarray
    extent: np.ndarray
    turn: float = 0.0

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Map points [..., 2] from pixels of the crop to pixels of the original image."""
        if not self.turn:
            return points / self.size * self.extent + self.center - 0.5 * self.extent
        offset: np.ndarray = (points / self.size - 0.5) * self.extent
        return rotate(offset, self.turn) + self.center


def rotate(points: np.ndarray, angle: float) -> np.ndarray:
    """Rotate points [..., 2] about the origin, clockwise as seen in an image, in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]], np.float32)


def crop_person(
    image: np.ndarray, box: np.ndarray, padding: float, size: tuple[int, int], turn: float = 0.0
) -> Crop:
    """Crop a box with a margin, in the aspect ratio of the input. Outside the image it is black.

    Like MMPose's `GetBBoxCenterScale` and `TopdownAffine`.

    Args:
        image: uint8 [H, W, 3], BGR.
        box: float32 [4], x1, y1, x2, y2 in pixels.
        padding: size of the crop relative to the box.
        size: width and height of the network's input, in pixels.
        turn: of the box about its middle, clockwise in radians (MMPose's `bbox_rotation`, there in
            degrees). A person whose torso leans by this angle is upright in the crop.
    """
    width, height = (box[2:] - box[:2]) * np.float32(padding)
    aspect = np.float32(size[0] / size[1])
    if width > height * aspect:
        height = width / aspect
    else:
        width = height * aspect
    center: np.ndarray = (box[2:] + box[:2]) * np.float32(0.5)
    return _crop(image, center, np.array([width, height], np.float32), size, turn)


def fit_long_side(image: np.ndarray, long_side: int) -> Crop:
    """Scale a whole image to a longer side in pixels. Each side is padded to a multiple of 32.

    Args:
        image: uint8 [H, W, 3], BGR.
        long_side: of the scaled image, in pixels.
    """
    height, width = image.shape[:2]
    scale = long_side / max(height, width)
    size = (_round_up(width * scale), _round_up(height * scale))
    return _crop(image, np.array((width, height)) / 2, np.array(size) / scale, size)


def _round_up(side: float) -> int:
    """The next multiple of `MULTIPLE`."""
    return math.ceil(side / MULTIPLE) * MULTIPLE


def _crop(
    image: np.ndarray,
    center: np.ndarray,
    extent: np.ndarray,
    size: tuple[int, int],
    turn: float = 0.0,
) -> Crop:
    """Crop as MMPose's `get_warp_matrix` does, with bilinear sampling."""
    source, target = np.zeros((2, 3, 2), np.float32)
    for points, middle, reach, angle in (
        (source, center, extent[0] / 2, turn),
        (target, np.array(size) * 0.5, size[0] / 2, 0.0),
    ):
        points[:] = middle
        points[1] += rotate(np.array([-reach, 0], np.float32), angle)
        # The third point makes a right angle with the others.
        x, y = points[0] - points[1]
        points[2] = points[1] + (-y, x)
    matrix = cv2.getAffineTransform(source, target)
    pixels = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)
    return Crop(pixels, size, center, extent, turn)
