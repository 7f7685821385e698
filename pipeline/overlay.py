"""What is drawn: skeletons, boxes and labels on the picture.

Left is orange, right is blue, and what belongs to two people is yellow (Okabe and Ito's palette,
told apart with any kind of colour vision). Every line has a dark rim and every text a solid
plate, so both stand out from any background; all sizes follow the picture's.
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

if TYPE_CHECKING:  # drawing needs no network to be loaded
    from pipeline.classify import Action
    from pipeline.person import Person

Colour = tuple[int, int, int]  # blue, green, red

DARK: Colour = (28, 24, 24)
WHITE: Colour = (245, 245, 245)
GREY: Colour = (190, 185, 185)
YELLOW: Colour = (66, 228, 240)
BROWN: Colour = (20, 70, 78)
SIDES: dict[str, Colour] = {"left": (0, 159, 230), "right": (233, 180, 86)}

TEXT_SIZE = 0.027
"""Height of the font, as a part of the picture's shorter side; at least `MIN_TEXT` pixels."""
MIN_TEXT = 12
LINE_WIDTH = 0.004
"""Width of a bone, as a part of the picture's shorter side; at least 2 pixels."""

SUBPIXEL = 3
"""Binary digits behind the point in what OpenCV is given, so that nothing jumps by whole pixels."""


def draw(
    image: np.ndarray, people: Sequence[Person], actions: Sequence[Action], threshold: float
) -> np.ndarray:
    """Draw people and what they do, in place.

    Args:
        image: uint8 [H, W, 3], BGR, contiguous; it is drawn on.
        people: everyone in view. All get box and id, and the joints and bones that were seen.
        actions: those with a label are written over the person's box, or, for two people, at the
            middle of a line between them.
        threshold: the pose model's own; a joint with a lower score was not seen.

    Returns:
        The same image.
    """
    width = max(2, round(LINE_WIDTH * min(image.shape[:2])))
    by_id = {person.id: person for person in people}
    labelled = [a for a in actions if a.label is not None and all(i in by_id for i in a.people)]
    pairs = [action for action in labelled if len(action.people) == 2]
    singles = {action.people[0]: action for action in labelled if len(action.people) == 1}

    for person in people:
        _draw_box(image, person.box, max(1, width // 2))
    for person in people:
        _draw_skeleton(image, person.keypoints, threshold, width)
    labels = _Labels(image, _text_size(image))
    for action in pairs:
        start, end = (_middle(by_id[i], threshold) for i in action.people)
        _line(image, start, end, YELLOW, width)
        labels.add_centred(_pair_texts(action), YELLOW, (start + end) / 2)
    for person in people:
        labels.add_above(_person_texts(person, singles.get(person.id)), DARK, person.box)
    labels.draw()
    return image


def mirror(image: np.ndarray, people: Sequence[Person]) -> tuple[np.ndarray, list[Person]]:
    """What a mirror would show: a new image, and the people moved with it.

    A left arm is still a left arm; it is on the left of the picture now.
    """
    edge = image.shape[1] - 1
    moved = []
    for person in people:
        box, keypoints = person.box.copy(), person.keypoints.copy()
        box[[0, 2]] = edge - person.box[[2, 0]]
        keypoints[:, 0] = edge - keypoints[:, 0]
        moved.append(replace(person, box=box, keypoints=keypoints))
    return cv2.flip(image, 1), moved


def write(image: np.ndarray, lines: Sequence[str], centred: bool = False) -> np.ndarray:
    """Write lines of text, in place, into the top left corner or the middle of the picture.

    Args:
        image: uint8 [H, W, 3], BGR, contiguous; it is written on.
        lines: a plate each, one under the other, made smaller where they would not fit.
        centred: whether they go into the middle.

    Returns:
        The same image.
    """
    labels = _Labels(image, _text_size(image))
    middle = np.array(image.shape[1::-1]) / 2
    for line in lines:
        if centred:
            labels.add_centred(((line, WHITE),), DARK, middle)
        else:
            labels.add_above(((line, WHITE),), DARK, np.zeros(4))
    labels.draw()
    return image


def _text_size(image: np.ndarray) -> int:
    """Height of the font for a picture, in pixels."""
    return max(MIN_TEXT, round(TEXT_SIZE * min(image.shape[:2])))


def _pair_texts(action: Action) -> tuple[tuple[str, Colour], ...]:
    who = "+".join(map(str, action.people))
    return (who, BROWN), (action.label or "", DARK), (f"{action.score:.0%}", BROWN)


def _person_texts(person: Person, action: Action | None) -> tuple[tuple[str, Colour], ...]:
    if action is None or action.label is None:
        return ((str(person.id), WHITE),)
    return (str(person.id), GREY), (action.label, WHITE), (f"{action.score:.0%}", GREY)


def _middle(person: Person, threshold: float) -> np.ndarray:
    """The middle of the torso, or of the box where none of it was seen: [2]."""
    torso = person.keypoints[list(PARTS["torso"])]
    seen = torso[_seen(torso, threshold)]
    return seen[:, :2].mean(0) if len(seen) else person.box[:4].reshape(2, 2).mean(0)


def _seen(keypoints: np.ndarray, threshold: float) -> np.ndarray:
    """Which joints [K, 3] were seen: bool [K]. An unknown number is never over the threshold."""
    return (keypoints[:, 2] >= threshold) & np.isfinite(keypoints).all(1)


def _side(*joints: int) -> Colour:
    """The colour of a joint, or of a bone whose ends are both on one side; white for the middle."""
    sides = {JOINTS[joint].split()[0] for joint in joints}
    return SIDES.get(sides.pop(), WHITE) if len(sides) == 1 else WHITE


def _point(point: np.ndarray) -> tuple[int, int]:
    x, y = np.rint(point * 2**SUBPIXEL).astype(int).tolist()
    return x, y


def _rim(width: int) -> int:
    return width + 2 * max(1, width // 3)


def _line(
    image: np.ndarray, start: np.ndarray, end: np.ndarray, colour: Colour, width: int
) -> None:
    ends = _point(start), _point(end)
    cv2.line(image, *ends, DARK, _rim(width), cv2.LINE_AA, SUBPIXEL)
    cv2.line(image, *ends, colour, width, cv2.LINE_AA, SUBPIXEL)


def _draw_box(image: np.ndarray, box: np.ndarray, width: int) -> None:
    (left, top), (right, bottom) = np.rint(box[:4]).astype(int).reshape(2, 2).tolist()
    outer = (left - width, top - width), (right + width, bottom + width)
    cv2.rectangle(image, *outer, DARK, width)
    cv2.rectangle(image, (left, top), (right, bottom), WHITE, width)


def _draw_skeleton(image: np.ndarray, keypoints: np.ndarray, threshold: float, width: int) -> None:
    """Draw the bones with two seen ends, and the seen joints over them; keypoints [17, 3]."""
    seen = _seen(keypoints, threshold)
    points = {int(joint): _point(keypoints[joint, :2]) for joint in np.flatnonzero(seen)}
    bones = [(points[a], points[b], _side(a, b)) for a, b in BONES if a in points and b in points]
    joints = [(point, _side(joint)) for joint, point in points.items()]
    radius = round(0.9 * width * 2**SUBPIXEL)
    rim = radius + (_rim(width) - width) * 2 ** (SUBPIXEL - 1)
    for start, end, _ in bones:
        cv2.line(image, start, end, DARK, _rim(width), cv2.LINE_AA, SUBPIXEL)
    for start, end, colour in bones:
        cv2.line(image, start, end, colour, width, cv2.LINE_AA, SUBPIXEL)
    for point, colour in joints:
        cv2.circle(image, point, rim, DARK, -1, cv2.LINE_AA, SUBPIXEL)
        cv2.circle(image, point, radius, colour, -1, cv2.LINE_AA, SUBPIXEL)


@dataclass
class _Placed:
    plate: np.ndarray
    left: int
    top: int

    def overlaps(self, other: _Placed) -> bool:
        height, width = self.plate.shape[:2]
        other_height, other_width = other.plate.shape[:2]
        return (
            self.left < other.left + other_width
            and other.left < self.left + width
            and self.top < other.top + other_height
            and other.top < self.top + height
        )


class _Labels:
    """Plates of text that stay inside the picture and off one another, first come first placed."""

    def __init__(self, image: np.ndarray, size: int):
        self._image = image
        self._size = size
        self._placed: list[_Placed] = []

    def add_above(
        self, texts: tuple[tuple[str, Colour], ...], back: Colour, box: np.ndarray
    ) -> None:
        plate = self._plate(texts, back)
        self._place(plate, box[0], box[1] - plate.shape[0])

    def add_centred(
        self, texts: tuple[tuple[str, Colour], ...], back: Colour, at: np.ndarray
    ) -> None:
        plate = self._plate(texts, back)
        height, width = plate.shape[:2]
        self._place(plate, at[0] - width / 2, at[1] - height / 2)

    def draw(self) -> None:
        for placed in self._placed:
            height, width = placed.plate.shape[:2]
            self._image[placed.top : placed.top + height, placed.left : placed.left + width] = (
                placed.plate
            )

    def _plate(self, texts: tuple[tuple[str, Colour], ...], back: Colour) -> np.ndarray:
        height, width = self._image.shape[:2]
        plate = _plate(texts, back, self._size)
        if plate.shape[1] > width:
            plate = _plate(texts, back, max(1, self._size * width // plate.shape[1]))
        return plate[:height, :width]

    def _place(self, plate: np.ndarray, left: float, top: float) -> None:
        """Take the free place nearest above or below the wanted one, or else the wanted one."""
        room_down, room_right = np.subtract(self._image.shape[:2], plate.shape[:2]).tolist()
        left, top = _within(left, room_right), _within(top, room_down)
        step = plate.shape[0] + 1
        steps = range(-(top // step) - 1, (room_down - top) // step + 2)
        rows = {_within(top + k * step, room_down) for k in steps}
        places = [_Placed(plate, left, row) for row in sorted(rows, key=lambda row: abs(row - top))]
        free = (p for p in places if not any(p.overlaps(other) for other in self._placed))
        self._placed.append(next(free, places[0]))


def _within(place: float, room: int) -> int:
    return min(max(round(float(place)), 0), room)


@lru_cache(maxsize=256)
def _plate(texts: tuple[tuple[str, Colour], ...], back: Colour, size: int) -> np.ndarray:
    """Words in a row on a solid ground: uint8 [h, w, 3], BGR, read-only."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels have FreeType
    ascent, descent = font.getmetrics()
    margin, gap = max(2, size // 3), size // 3
    lengths = [font.getlength(text) for text, _ in texts]
    width = round(sum(lengths)) + gap * (len(texts) - 1) + 2 * margin
    plate = Image.new("RGB", (width, ascent + descent + 2), back)
    canvas, x = ImageDraw.Draw(plate), float(margin)
    for (text, colour), length in zip(texts, lengths, strict=True):
        canvas.text((x, 1), text, colour, font)
        x += length + gap
    pixels = np.asarray(plate)  # the colours went in as blue, green, red
    pixels.setflags(write=False)
    return pixels
