"""Pictures to the inputs of pose networks, and joints back to the picture's pixels.

What MMPose's pipelines do to a picture, to the last bit, without loading PyTorch.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

MULTIPLE = 32
"""Input sides of MoveNet are multiples of this, the stride of its deepest features."""


@dataclass(frozen=True)
class Crop:
    """What a network is shown, and where it was.

    Attributes:
        picture: uint8 [h, w, 3], BGR.
        size: w, h.
        center: middle of the crop in the image, x, y in pixels.
        extent: its width and height there.
    """

    picture: np.ndarray
    size: tuple[int, int]
    center: np.ndarray
    extent: np.ndarray

    def back(self, points: np.ndarray) -> np.ndarray:
        """Points [..., 2] in pixels of the crop to pixels of the image."""
        return points / self.size * self.extent + self.center - 0.5 * self.extent


def crop_person(image: np.ndarray, box: np.ndarray, padding: float, size: tuple[int, int]) -> Crop:
    """A box with a margin, its shape that of the input; black beyond the picture.

    MMPose's `GetBBoxCenterScale` and `TopdownAffine`.

    Args:
        image: uint8 [H, W, 3], BGR.
        box: float32 [4], x1, y1, x2, y2 in pixels.
        padding: times that the crop is as large as the box.
        size: of the network's input, width and height in pixels.
    """
    width, height = (box[2:] - box[:2]) * np.float32(padding)
    aspect = np.float32(size[0] / size[1])
    if width > height * aspect:
        height = width / aspect
    else:
        width = height * aspect
    return _crop(image, (box[2:] + box[:2]) * np.float32(0.5), np.float32([width, height]), size)


def fit_long_side(image: np.ndarray, long_side: int) -> Crop:
    """The whole picture with a longer side of so many pixels, each side a multiple of 32."""
    height, width = image.shape[:2]
    scale = long_side / max(height, width)
    size = tuple(math.ceil(side * scale / MULTIPLE) * MULTIPLE for side in (width, height))
    return _crop(image, np.array((width, height)) / 2, np.array(size) / scale, size)


def _crop(image: np.ndarray, center: np.ndarray, extent: np.ndarray, size) -> Crop:
    """MMPose's `get_warp_matrix` without rotation, and its sampling: no filter, bilinear."""
    source, target = np.zeros((2, 3, 2), np.float32)
    for points, middle, reach in (
        (source, center, extent[0] / 2),
        (target, np.array(size) * 0.5, size[0] / 2),
    ):
        points[:] = middle
        points[1, 0] = middle[0] - reach
        # The third point of a right angle.
        points[2] = points[1] + [0, points[0, 0] - points[1, 0]]
    matrix = cv2.getAffineTransform(source, target)
    picture = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)
    return Crop(picture, size, center, extent)
