"""Drawing: skeletons, boxes and labels on the picture.

Left is orange, right is blue, and what belongs to two people is yellow. Each person's box and id
have a colour of their own. All are from the palette of Okabe and Ito, which works with any kind of
colour vision. Lines have a dark outline and texts a solid background, so that both stand out from
any picture. All sizes scale with the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.skeleton import BONES, JOINTS, PARTS
from models.text import printable

if TYPE_CHECKING:  # drawing loads no network
    from pipeline.classify import Action
    from pipeline.person import Person

Colour = tuple[int, int, int]
"""Blue, green, red."""
Texts = tuple[tuple[str, Colour], ...]
"""Texts in a row, each with its colour."""
Parts = tuple[tuple[Texts, Colour], ...]
"""Parts of a label from left to right, each with the colour of its background."""

DARK: Colour = (28, 24, 24)
WHITE: Colour = (245, 245, 245)
GREY: Colour = (190, 185, 185)
YELLOW: Colour = (66, 228, 240)
BROWN: Colour = (20, 70, 78)
RED: Colour = (45, 40, 190)
SIDES: dict[str, Colour] = {"left": (0, 159, 230), "right": (233, 180, 86)}
PEOPLE: tuple[Colour, ...] = ((115, 158, 0), (167, 121, 204), (0, 94, 213), WHITE)
"""Of people, in the order of their ids; then repeated."""

TEXT_SIZE = 0.027
"""Font size, as a fraction of the picture's shorter side."""
MIN_TEXT = 12
"""Smallest font size in pixels."""
MAX_TEXT = 200
"""Most characters that are drawn."""
LINE_WIDTH = 0.004
"""Width of a bone, as a fraction of the picture's shorter side; at least 2 pixels."""

SUBPIXEL = 3
"""Fractional bits of the coordinates given to OpenCV, so that nothing jumps by whole pixels."""


def draw(
    image: np.ndarray, people: Sequence[Person], actions: Sequence[Action], threshold: float
) -> np.ndarray:
    """Draw people and their actions, in place.

    Args:
        image: uint8 [H, W, 3], BGR, contiguous; it is drawn on.
        people: drawn with box, id, and visible joints and bones.
        actions: those with a label are written above the person's box, or, for two people, at the
            middle of a line between them.
        threshold: the pose model's; joints with a lower score are absent.

    Returns:
        The same image.
    """
    width = max(2, round(LINE_WIDTH * min(image.shape[:2])))
    by_id = {person.id: person for person in people}
    labelled = [a for a in actions if a.label is not None and all(i in by_id for i in a.people)]
    pairs = [action for action in labelled if len(action.people) == 2]
    singles = {action.people[0]: action for action in labelled if len(action.people) == 1}

    for person in people:
        _draw_box(image, person.box, person_colour(person.id), max(1, 2 * width // 3))
    for person in people:
        _draw_skeleton(image, person.keypoints, threshold, width)
    labels = _Labels(image, _text_size(image))
    for action in pairs:
        start, end = (_middle(by_id[i], threshold) for i in action.people)
        _line(image, start, end, YELLOW, width)
        labels.add_centred(_pair_label(action), (start + end) / 2)
    for person in people:
        labels.add_above(_person_label(person, singles.get(person.id)), person.box)
    labels.draw()
    return image


def person_colour(person_id: int) -> Colour:
    """The colour of a person's box and id."""
    return PEOPLE[(person_id - 1) % len(PEOPLE)]


def mirror(image: np.ndarray, people: Sequence[Person]) -> tuple[np.ndarray, list[Person]]:
    """Mirror a picture and the people in it, left to right.

    A left arm stays a left arm, and moves to the left of the picture.

    Returns:
        A new image, and new people.
    """
    edge = image.shape[1] - 1
    moved = []
    for person in people:
        box, keypoints = person.box.copy(), person.keypoints.copy()
        box[[0, 2]] = edge - person.box[[2, 0]]
        keypoints[:, 0] = edge - keypoints[:, 0]
        moved.append(replace(person, box=box, keypoints=keypoints))
    return cv2.flip(image, 1), moved


def scale(
    image: np.ndarray, people: Sequence[Person], width: int, height: int
) -> tuple[np.ndarray, list[Person]]:
    """Scale a picture and the people in it, so that what is drawn on it is as sharp as can be.

    Returns:
        A new image, uint8 [height, width, 3], and new people.
    """
    factors = np.array([width / image.shape[1], height / image.shape[0]], np.float32)
    moved = []
    for person in people:
        box, keypoints = person.box.copy(), person.keypoints.copy()
        box[:4] *= np.tile(factors, 2)
        keypoints[:, :2] *= factors
        moved.append(replace(person, box=box, keypoints=keypoints))
    # INTER_AREA takes several times as long as INTER_LINEAR, and is needed only to make it smaller.
    method = cv2.INTER_AREA if factors.min() < 0.5 else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method), moved


def write(
    image: np.ndarray,
    lines: Sequence[str],
    at: tuple[float, float] | None = None,
    size: float = 1.0,
    back: Colour = DARK,
) -> np.ndarray:
    """Write lines of text on the picture, in place.

    Args:
        image: uint8 [H, W, 3], BGR; it is written on.
        lines: one below the other, in a smaller font where they would not fit.
        at: x, y on which the first line is centred; the top left corner if None.
        size: of the font, in times that of labels.
        back: colour of the background.

    Returns:
        The same image.
    """
    labels = _Labels(image, round(size * _text_size(image)))
    for line in lines:
        label = ((((line, WHITE),), back),)
        if at is None:
            labels.add_above(label, np.zeros(4))
        else:
            labels.add_centred(label, np.array(at))
    labels.draw()
    return image


def _text_size(image: np.ndarray) -> int:
    """Font size for a picture, in pixels."""
    return max(MIN_TEXT, round(TEXT_SIZE * min(image.shape[:2])))


def _pair_label(action: Action) -> Parts:
    who = "+".join(map(str, action.people))
    return ((((who, BROWN), (action.label or "", DARK), (f"{action.score:.0%}", BROWN)), YELLOW),)


def _person_label(person: Person, action: Action | None) -> Parts:
    number = (((str(person.id), DARK),), person_colour(person.id))
    if action is None or action.label is None:
        return (number,)
    return number, (((action.label, WHITE), (f"{action.score:.0%}", GREY)), DARK)


def _middle(person: Person, threshold: float) -> np.ndarray:
    """Middle of the visible joints of the torso, or of the box if there are none: [2]."""
    torso = person.keypoints[list(PARTS["torso"])]
    visible = torso[_is_visible(torso, threshold)]
    return visible[:, :2].mean(0) if len(visible) else person.box[:4].reshape(2, 2).mean(0)


def _is_visible(keypoints: np.ndarray, threshold: float) -> np.ndarray:
    """Which joints [K, 3] are visible: bool [K]. Those with NaN are not."""
    return (keypoints[:, 2] >= threshold) & np.isfinite(keypoints).all(1)


def _side(*joints: int) -> Colour:
    """Colour of a joint, or of a bone with both ends on one side; white for all others."""
    sides = {JOINTS[joint].split()[0] for joint in joints}
    return SIDES.get(sides.pop(), WHITE) if len(sides) == 1 else WHITE


def _point(point: np.ndarray) -> tuple[int, int]:
    x, y = np.rint(point * 2**SUBPIXEL).astype(int).tolist()
    return x, y


def _outline(width: int) -> int:
    """Width of a line with its outline."""
    return width + 2 * max(1, width // 3)


def _line(
    image: np.ndarray, start: np.ndarray, end: np.ndarray, colour: Colour, width: int
) -> None:
    ends = _point(start), _point(end)
    cv2.line(image, *ends, DARK, _outline(width), cv2.LINE_AA, SUBPIXEL)
    cv2.line(image, *ends, colour, width, cv2.LINE_AA, SUBPIXEL)


def _draw_box(image: np.ndarray, box: np.ndarray, colour: Colour, width: int) -> None:
    (left, top), (right, bottom) = np.rint(box[:4]).astype(int).reshape(2, 2).tolist()
    outer = (left - width, top - width), (right + width, bottom + width)
    cv2.rectangle(image, *outer, DARK, width)
    cv2.rectangle(image, (left, top), (right, bottom), colour, width)


def _draw_skeleton(image: np.ndarray, keypoints: np.ndarray, threshold: float, width: int) -> None:
    """Draw the bones with two visible ends, and the visible joints over them; [17, 3]."""
    visible = _is_visible(keypoints, threshold)
    points = {int(joint): _point(keypoints[joint, :2]) for joint in np.flatnonzero(visible)}
    bones = [(points[a], points[b], _side(a, b)) for a, b in BONES if a in points and b in points]
    joints = [(point, _side(joint)) for joint, point in points.items()]
    radius = round(0.9 * width * 2**SUBPIXEL)
    outline = radius + (_outline(width) - width) * 2 ** (SUBPIXEL - 1)
    for start, end, _ in bones:
        cv2.line(image, start, end, DARK, _outline(width), cv2.LINE_AA, SUBPIXEL)
    for start, end, colour in bones:
        cv2.line(image, start, end, colour, width, cv2.LINE_AA, SUBPIXEL)
    for point, colour in joints:
        cv2.circle(image, point, outline, DARK, -1, cv2.LINE_AA, SUBPIXEL)
        cv2.circle(image, point, radius, colour, -1, cv2.LINE_AA, SUBPIXEL)


@dataclass
class _Placed:
    """A label's picture, uint8 [h, w, 3], and where its top left corner goes."""

    label: np.ndarray
    left: int
    top: int

    def overlaps(self, other: _Placed) -> bool:
        height, width = self.label.shape[:2]
        other_height, other_width = other.label.shape[:2]
        return (
            self.left < other.left + other_width
            and other.left < self.left + width
            and self.top < other.top + other_height
            and other.top < self.top + height
        )


class _Labels:
    """Labels that stay inside the picture and do not overlap; the first ones have first choice."""

    def __init__(self, image: np.ndarray, size: int):
        self._image = image
        self._size = size
        self._placed: list[_Placed] = []

    def add_above(self, parts: Parts, box: np.ndarray) -> None:
        label = self._render(parts)
        self._place(label, box[0], box[1] - label.shape[0])

    def add_centred(self, parts: Parts, at: np.ndarray) -> None:
        label = self._render(parts)
        height, width = label.shape[:2]
        self._place(label, at[0] - width / 2, at[1] - height / 2)

    def draw(self) -> None:
        for placed in self._placed:
            height, width = placed.label.shape[:2]
            self._image[placed.top : placed.top + height, placed.left : placed.left + width] = (
                placed.label
            )

    def _render(self, parts: Parts) -> np.ndarray:
        """A label that is no wider than the picture."""
        height, width = self._image.shape[:2]
        label = _render_label(parts, self._size)
        if label.shape[1] > width:
            label = _render_label(parts, max(1, self._size * width // label.shape[1]))
        return label[:height, :width]

    def _place(self, label: np.ndarray, left: float, top: float) -> None:
        """Take the free place nearest above or below the wanted one, or else the wanted one."""
        room_down, room_right = np.subtract(self._image.shape[:2], label.shape[:2]).tolist()
        left, top = _within(left, room_right), _within(top, room_down)
        step = label.shape[0] + 1
        steps = range(-(top // step) - 1, (room_down - top) // step + 2)
        rows = {_within(top + k * step, room_down) for k in steps}
        places = [_Placed(label, left, row) for row in sorted(rows, key=lambda row: abs(row - top))]
        free = (p for p in places if not any(p.overlaps(other) for other in self._placed))
        self._placed.append(next(free, places[0]))


def _within(place: float, room: int) -> int:
    return min(max(round(float(place)), 0), room)


@lru_cache(maxsize=256)
def _render_label(parts: Parts, size: int) -> np.ndarray:
    """Draw the parts of a label side by side: uint8 [h, w, 3], BGR, read-only."""
    margin = max(2, size // 3)
    pixels = np.hstack([render(texts, back, size, margin) for texts, back in parts])
    pixels.setflags(write=False)
    return pixels


@lru_cache(maxsize=512)
def render(texts: Texts, back: Colour, size: int, margin: int = 0) -> np.ndarray:
    """Draw texts in a row on a solid background.

    Args:
        texts: each with its colour.
        back: colour of the background.
        size: of the font, in pixels.
        margin: pixels of background to the left and right.

    Returns:
        uint8 [h, w, 3], BGR, read-only.
    """
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels have FreeType
    ascent, descent = font.getmetrics()
    gap = size // 3
    texts = tuple((printable(text)[:MAX_TEXT], colour) for text, colour in texts)
    lengths = [font.getlength(text) for text, _ in texts]
    width = round(sum(lengths)) + gap * (len(texts) - 1) + 2 * margin
    label = Image.new("RGB", (width, ascent + descent + 2), back)
    canvas, x = ImageDraw.Draw(label), float(margin)
    for (text, colour), length in zip(texts, lengths, strict=True):
        canvas.text((x, 1), text, colour, font)
        x += length + gap
    pixels = np.asarray(label)  # the colours went in as blue, green, red
    pixels.setflags(write=False)
    return pixels
