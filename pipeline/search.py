"""Where the detector looks: parts of the picture, input sizes and rotations, in turns.

All that decides what the detector runs on is here. A view costs as much as its input has pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.changes import Changes

CLOSE_INPUT = 192
"""Longer side of the network's input for people who fill the picture, in pixels. In clips of one
person 230 of 272 pixels tall, 192 finds them in all frames (scores about 0.54), 512 in a fifth
(0.14). Of pictures cut to head and chest it finds 80 to 100 %, 512 18 to 33 %."""
WHOLE_INPUT = 512
"""The same for people of medium size, and for small ones in tiles: the smallest height at which
people are found falls with the size of the input, from 96 of 640 pixels at 320 (model card)."""
CLOSE_UP_INPUTS = (320, 224)
"""The same for people who overlap, in turns. Of 27 frames of a hug 320 separates the two people in
all, 192 in 6, 384 in 9. Where it does not, another size at times does."""
CLOSE_UP_SCALE = 1.2
"""Side of the square that is cut out around people who overlap, relative to their region."""
LOST_INPUT, LOST_SCALE = 192, 2.0
"""The same for a person who was lost, where they are expected, and the side of the square relative
to their box."""

TILE = 0.6
"""Sides of the four overlapping tiles that are searched for small people, as fractions of the
picture's sides. In five pictures 1920 pixels wide, at an input of 512, two people were found in all
pictures from a height of 173 pixels in the whole picture, and of 86 pixels in a tile; at 65 pixels
in four of five."""

PERIOD = 0.25
"""Seconds between detector runs."""
STABLE_PERIOD, STABLE_RUNS = 0.5, 4
"""The same once this many runs in a row found nobody new."""
LOST_PERIOD = 0.1
"""The same while nobody is tracked, or a person was lost recently. Between runs on the whole
picture, that person is sought in close-ups, which cost a quarter."""


@dataclass(frozen=True)
class View:
    """What the detector runs on.

    Attributes:
        left, top, right, bottom: the part of the picture, in pixels.
        size: longer side of the network's input, in pixels.
        quarter_turns: how often the part is turned by 90 degrees, clockwise, before it is shown.
        tile: whether only small people count, and only those who are wholly inside.
    """

    left: int
    top: int
    right: int
    bottom: int
    size: int
    quarter_turns: int = 0
    tile: bool = False


class Search:
    """Decides when the detector runs, and on which views of the picture; one object a scene."""

    def __init__(self) -> None:
        self._changes = Changes()
        self._turn = 0
        self._last_run = self._last_search = -np.inf
        self._stable_runs = 0
        self._close_ups = 0

    def due(self, time: float, urgent: bool) -> bool:
        """Whether a detector run is due at `time`, in seconds; sooner if tracking needs one."""
        if urgent:
            period = LOST_PERIOD
        else:
            period = PERIOD if self._stable_runs < STABLE_RUNS else STABLE_PERIOD
        return time - self._last_run >= period - 1e-6

    def views(
        self,
        time: float,
        shape: Sequence[int],
        thumbnail: np.ndarray,
        tracked: np.ndarray,
        certain: bool,
        lost: np.ndarray,
    ) -> list[View]:
        """Choose the views of the run that is due now.

        People who were lost are sought where they are expected, unless `PERIOD` has passed since
        the last search of the picture.

        The first run of a scene covers everything. After that, the whole picture at `WHOLE_INPUT`
        and one tile take turns. Each run also covers the whole picture at `CLOSE_INPUT`, which is
        cheap; while tracking is certain, every other run. While nobody is tracked, the picture is
        also shown turned: networks know upright people.

        Args:
            time: of the frame, in seconds.
            shape: height and width of the frame.
            thumbnail: of the frame (see `pipeline.changes`).
            tracked: boxes [K, 4] of tracked people, in pixels.
            certain: whether all of them are tracked with confidence.
            lost: boxes [L, 4] of those who were lost recently, in pixels.

        Returns:
            The views; none if nobody new can be there.
        """
        self._last_run = time
        if len(lost) and time - self._last_search < PERIOD - 1e-6:
            return [View(*square(box, shape, LOST_SCALE), LOST_INPUT) for box in lost]
        self._last_search = time
        turn, self._turn = self._turn, self._turn + 1
        views = self._views_of(turn, shape, certain)
        height, width = shape[:2]
        scale = np.array([width, height, width, height], np.float32)
        # A list: every region must be compared, whatever the others show.
        changed = [
            self._changes.need_detector(region, time, thumbnail, tracked / scale)
            for region in dict.fromkeys(
                tuple(np.divide((v.left, v.top, v.right, v.bottom), scale).tolist()) for v in views
            )
        ]
        if certain and not any(changed):
            self._stable_runs += 1
            return []
        if not len(tracked):
            views.append(whole(shape, CLOSE_INPUT, quarter_turns=1 + turn % 3))
        return views

    def take(self, found_new: bool) -> None:
        """Note whether a run found somebody new."""
        self._stable_runs = 0 if found_new else self._stable_runs + 1

    def close_up(self, region: np.ndarray, shape: Sequence[int]) -> View:
        """The view of a region [4] in which people overlap; its input size takes turns."""
        self._close_ups += 1
        size = CLOSE_UP_INPUTS[self._close_ups % len(CLOSE_UP_INPUTS)]
        return View(*square(region, shape, CLOSE_UP_SCALE), size)

    def _views_of(self, turn: int, shape: Sequence[int], certain: bool) -> list[View]:
        if turn == 0:
            return all_views(shape)
        close, fine = whole(shape, CLOSE_INPUT), whole(shape, WHOLE_INPUT)
        if turn % 2 and has_tiles(shape):
            fine = tiles(shape)[turn // 2 % 4]
        return [fine] if certain and turn % 2 else [close, fine]


def all_views(shape: Sequence[int]) -> list[View]:
    """The views that together show people of all sizes, for a picture of this height and width."""
    sizes = [whole(shape, CLOSE_INPUT), whole(shape, WHOLE_INPUT)]
    return sizes + (tiles(shape) if has_tiles(shape) else [])


def whole(shape: Sequence[int], size: int, quarter_turns: int = 0) -> View:
    """The whole picture at an input size."""
    return View(0, 0, shape[1], shape[0], size, quarter_turns)


def has_tiles(shape: Sequence[int]) -> bool:
    """Whether a tile shows more detail than the whole picture at the network's input size."""
    return max(shape[:2]) * TILE >= WHOLE_INPUT


def tiles(shape: Sequence[int]) -> list[View]:
    """The four overlapping tiles of a picture of this height and width."""
    found = []
    for number in range(4):
        side = np.array([number % 2, number // 2])  # on the right, at the bottom
        size = np.array(shape[1::-1])
        low = (size * (1 - TILE)).astype(int) * side
        high = np.where(side, size, np.ceil(size * TILE).astype(int))
        (left, top), (right, bottom) = low.tolist(), high.tolist()
        found.append(View(left, top, right, bottom, WHOLE_INPUT, tile=True))
    return found


def square(
    region: Sequence[float] | np.ndarray, shape: Sequence[int], scale: float
) -> tuple[int, int, int, int]:
    """Enlarge a region to a square by a scale, and clip it to a picture of this shape.

    Returns:
        left, top, right, bottom in pixels, at least one pixel apart.
    """
    corners = np.asarray(region, np.float64)[:4].reshape(2, 2)
    reach = scale * max(corners[1] - corners[0]) / 2
    limit = np.array(shape[1::-1])
    low = np.clip(corners.mean(0) - reach, 0, limit - 1).astype(int)
    high = np.clip(np.ceil(corners.mean(0) + reach).astype(int), low + 1, limit)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    return left, top, right, bottom
