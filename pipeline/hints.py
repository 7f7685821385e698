"""Hints: what to do when nobody can be seen, or too little of somebody to tell what they do.

At most one hint is given at a time: the cause that comes first in `Hint`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from pipeline.changes import half_size, thumbnail
from pipeline.person import HIPS, LEGS, SHOULDERS

if TYPE_CHECKING:
    from pipeline.person import Person
    from pipeline.source import Frame

APPEAR, VANISH = 1.0, 0.25
"""Seconds for which a cause must last before its hint is given, and be mended before it goes."""
LOOK_PERIOD = 0.25
"""Seconds between measurements of the picture, which are taken only while nobody is in view."""
SLACK = 1.25
"""Factor on a limit while its hint is given or about to be, so that it does not flicker."""

MIN_DETAIL, MIN_CONTRAST = 1.0, 0.025
"""Mean difference of neighbouring cells of a picture's thumbnail below which it is blank: in grey
levels, and as a fraction of its brightness. In pictures of streets, rooms and sports grounds it is
9 or more, and 0.08 of the brightness; where the light only falls off from edge to edge, 0.01."""
MIN_BRIGHTNESS = 20
"""Median grey level below which it may be too dark to find people. The walk that is bundled is
followed at 20 in spite of a camera's noise, and lost at 10."""
MIN_HEIGHT = 50
"""Longer side of a person's box in pixels below which they are too far away. The same walk, made
smaller, is still named at 44, and lost at times at 37; finer movements need more."""

HEAD = slice(0, 5)
KNEES_BY_TORSO, KNEES_BY_NECK = 1.85, 3.5
"""Distance from shoulders to knees of somebody who stands, in lengths of the torso, and of the
distance from the head's joints to the shoulders, in proportions of an average adult."""
GUESSED = 0.1
"""Fraction of the distance from shoulders to knees from the picture's lower edge within which leg
joints do not count: networks put there what is below the picture."""


class Hint(str, Enum):
    """What to do, in words. Those that explain the others come first."""

    BLANK = "The picture is blank: uncover the camera, or turn on a light"
    DARK = "Too dark to see anybody: turn on a light"
    EMPTY = "Nobody in view: step in front of the camera"
    FAR = "Too far away: come closer"
    LEGS = "Step back: your legs are not in view"

    __str__ = str.__str__


class Hints:
    """Watches results for a cause of a hint; times are the source's.

    Args:
        threshold: the pose model's; joints with a lower score are absent.

    Attributes:
        current: the hint to show now, or None.

    Example:
        >>> hints = Hints(pipeline.pose.threshold)
        >>> for frame in source:
        ...     result = pipeline(frame)
        ...     hint = hints.update(frame, result.people)
    """

    def __init__(self, threshold: float):
        self.threshold = threshold
        self.reset()

    def reset(self) -> None:
        """Forget everything, as after an interrupted stream."""
        self.current: Hint | None = None
        self._cause: Hint | None = None
        self._since = -np.inf
        self._last_look = -np.inf
        self._look: Hint = Hint.EMPTY

    def update(self, frame: Frame, people: Sequence[Person]) -> Hint | None:
        """Take the next frame and the people in it, and return the hint to show.

        Args:
            frame: later than the previous one; its picture must not have been drawn on.
            people: all who are tracked in it. Those without a visible joint do not count.
        """
        cause = self._find_cause(frame, people)
        if cause is not self._cause:
            self._cause, self._since = cause, frame.time
        lasted = frame.time - self._since + 1e-6
        if cause is not None and lasted >= APPEAR:
            self.current = cause
        elif cause is not self.current and lasted >= VANISH:
            self.current = None
        return self.current

    def _find_cause(self, frame: Frame, people: Sequence[Person]) -> Hint | None:
        seen = [person for person in people if (person.keypoints[:, 2] >= self.threshold).any()]
        if not seen:
            return self._look_at(frame)
        self._last_look = -np.inf
        nearest = max(seen, key=_size)
        if _size(nearest) < MIN_HEIGHT * self._slack(Hint.FAR):
            return Hint.FAR
        height = frame.image.shape[0]
        hidden = _legs_are_below(nearest.keypoints, self.threshold, height, self._slack(Hint.LEGS))
        return Hint.LEGS if hidden else None

    def _look_at(self, frame: Frame) -> Hint:
        """Why nobody is in view, as the picture was when it was last looked at."""
        if frame.time - self._last_look >= LOOK_PERIOD - 1e-6:
            self._last_look = frame.time
            brightness, detail = measure(frame.image)
            limit = max(MIN_DETAIL, MIN_CONTRAST * brightness)
            if detail < limit * self._slack(Hint.BLANK):
                self._look = Hint.BLANK
            elif brightness < MIN_BRIGHTNESS * self._slack(Hint.DARK):
                self._look = Hint.DARK
            else:
                self._look = Hint.EMPTY
        return self._look

    def _slack(self, hint: Hint) -> float:
        return SLACK if hint in (self._cause, self.current) else 1.0


def measure(image: np.ndarray) -> tuple[float, float]:
    """Median brightness and mean local difference of a picture, uint8 [H, W, 3], in grey levels.

    The differences are those of neighbouring cells of a thumbnail. Noise averages out in it, and a
    gradual change of light from one edge to the other matters little.
    """
    cells = half_size(thumbnail(image))
    across, down = (np.abs(np.diff(cells, axis=axis)).mean() for axis in (1, 0))
    return float(np.median(cells)), float(across + down) / 2


def _size(person: Person) -> float:
    """Longer side of a person's box."""
    left, top, right, bottom = person.box[:4]
    return float(max(right - left, bottom - top))


def _legs_are_below(keypoints: np.ndarray, threshold: float, height: int, slack: float) -> bool:
    """Whether an upright person [17, 3] has no leg in view because it is below the picture.

    Knees that should be in view are hidden by something, and stepping back would not show them.
    Somebody who lies has their legs elsewhere.
    """
    visible = keypoints[:, 2] >= threshold
    shoulders, hips, head = (keypoints[part, :2][visible[part]] for part in (SHOULDERS, HIPS, HEAD))
    if not len(shoulders) or not (len(hips) or len(head)):
        return False
    top = shoulders.mean(0)
    to_knees = (
        KNEES_BY_TORSO * (hips.mean(0) - top) if len(hips) else KNEES_BY_NECK * (top - head.mean(0))
    )
    x, y = to_knees
    guessed = height - GUESSED * y
    legs = visible[LEGS] & (keypoints[LEGS, 1] < guessed)
    return bool(y > abs(x) and not legs.any() and top[1] + y > height / slack)
