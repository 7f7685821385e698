"""Where the picture has changed since the last detector run.

A person who enters the picture changes it. Where nothing has changed, the detector need not run.
"""

from __future__ import annotations

import cv2
import numpy as np

COLUMNS, ROWS = 64, 36
"""Size of a thumbnail in cells."""
MIN_CHANGE = 10
"""Grey levels by which a cell must change to count. Outside the boxes of tracked people, cells of
tai_chi and the hug changed by at most 5; when a person entered, they changed by 30 or more."""
MAX_SKIP = 3.0
"""Seconds after which the detector runs again although nothing has changed."""
MARGIN = 0.15
"""Width of the margin around a tracked person's box in which changes count as that person's, as a
fraction of the box's longer side."""


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Shrink a picture, uint8 [H, W, 3] BGR, to a grey thumbnail, float32 [36, 64]."""
    # Every eighth pixel each way tells as much, in a sixth of the time.
    small = cv2.resize(image[::8, ::8], (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)


def half_size(thumbnail: np.ndarray) -> np.ndarray:
    """Halve the size of a thumbnail, so that motion in it matters less."""
    return cv2.resize(thumbnail, (COLUMNS // 2, ROWS // 2), interpolation=cv2.INTER_AREA)


class Changes:
    """Decides for each region whether the detector must run on it again; one object a scene."""

    def __init__(self) -> None:
        self._runs: dict[tuple[float, ...], tuple[float, np.ndarray, np.ndarray]] = {}

    def need_detector(
        self,
        region: tuple[float, float, float, float],
        time: float,
        now: np.ndarray,
        tracked: np.ndarray,
    ) -> bool:
        """Whether a person may have entered a region since the last detector run on it.

        If so, run the detector: the next call compares with this one.

        Args:
            region: left, top, right, bottom, as fractions of the picture's sides.
            time: of the frame, in seconds.
            now: thumbnail of the frame.
            tracked: boxes [K, 4] of tracked people, as fractions of the picture's sides. Changes in
                them do not count.
        """
        left, top, right, bottom = np.multiply(region, (COLUMNS, ROWS, COLUMNS, ROWS)).round()
        cells = slice(int(top), int(bottom)), slice(int(left), int(right))
        if region in self._runs:
            last_run, before, tracked_before = self._runs[region]
            change = now - before
            change = np.abs(change - np.median(change))  # a change of light affects all cells
            change[_covered(np.concatenate([tracked, tracked_before]))] = 0
            if time - last_run < MAX_SKIP and change[cells].max() < MIN_CHANGE:
                return False
        self._runs[region] = time, now, tracked
        return True


def _covered(boxes: np.ndarray) -> np.ndarray:
    """Cells, bool [36, 64], that boxes [K, 4] with their margins touch; boxes as fractions."""
    covered = np.zeros((ROWS, COLUMNS), bool)
    for x1, y1, x2, y2 in boxes * (COLUMNS, ROWS, COLUMNS, ROWS):
        margin = MARGIN * max(x2 - x1, y2 - y1)
        low = np.floor([y1 - margin, x1 - margin]).clip(0).astype(int)
        high = np.ceil([y2 + margin, x2 + margin]).clip(0).astype(int)
        covered[low[0] : high[0], low[1] : high[1]] = True
    return covered
