"""Where the picture has changed since the detector looked there: who comes in changes it."""

from __future__ import annotations

import cv2
import numpy as np

COLUMNS, ROWS = 64, 36
"""Cells of a thumbnail."""
CHANGED = 10
"""Grey levels by which a cell must change. While nobody came, cells beyond the boxes of people who
are known changed by 5 at most in tai_chi and the hug, and by 30 and more when somebody did."""
AGAIN = 3.0
"""Seconds after which the detector looks again though nothing has changed."""
RIM = 0.15
"""Width of the rim of somebody's box in which they may change the picture, in its longer side."""


def thumbnail(image: np.ndarray) -> np.ndarray:
    """A picture, uint8 [H, W, 3] BGR, in float32 [36, 64] grey."""
    # Every eighth pixel either way tells as much, in a sixth of the time.
    small = cv2.resize(image[::8, ::8], (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)


def smaller(thumbnail: np.ndarray) -> np.ndarray:
    """A thumbnail at half its size, in which what moves matters less."""
    return cv2.resize(thumbnail, (COLUMNS // 2, ROWS // 2), interpolation=cv2.INTER_AREA)


class Changes:
    """What each region was like when the detector last looked at it; forgotten with the scene."""

    def __init__(self) -> None:
        self._looks: dict[tuple[float, ...], tuple[float, np.ndarray, np.ndarray]] = {}

    def since(
        self,
        region: tuple[float, float, float, float],
        time: float,
        now: np.ndarray,
        known: np.ndarray,
    ) -> bool:
        """Whether somebody may have come into a region since the last look at it.

        The next call compares with this one where it is true: look.

        Args:
            region: left, top, right, bottom in 0..1 of the picture.
            time: in seconds.
            now: the thumbnail.
            known: boxes [K, 4] in 0..1 of people who are known and may change what they like.
        """
        left, top, right, bottom = np.multiply(region, (COLUMNS, ROWS, COLUMNS, ROWS)).round()
        cells = slice(int(top), int(bottom)), slice(int(left), int(right))
        if region in self._looks:
            when, before, there = self._looks[region]
            change = now - before
            change = np.abs(change - np.median(change))  # light comes and goes
            change[_covered(np.concatenate([known, there]))] = 0
            if time - when < AGAIN and change[cells].max() < CHANGED:
                return False
        self._looks[region] = time, now, known
        return True


def _covered(boxes: np.ndarray) -> np.ndarray:
    """The cells, bool [36, 64], that boxes [K, 4] in 0..1 touch with their rims."""
    covered = np.zeros((ROWS, COLUMNS), bool)
    for x1, y1, x2, y2 in boxes * (COLUMNS, ROWS, COLUMNS, ROWS):
        rim = RIM * max(x2 - x1, y2 - y1)
        low = np.floor([y1 - rim, x1 - rim]).clip(0).astype(int)
        high = np.ceil([y2 + rim, x2 + rim]).clip(0).astype(int)
        covered[low[0] : high[0], low[1] : high[1]] = True
    return covered
