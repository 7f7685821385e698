"""Drawing the panel beside the picture.

Texts are drawn once and kept (`pipeline.overlay.render`), so that a frame costs little more than
copying them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline.overlay import DARK, GREY, WHITE, YELLOW, Colour, person_colour, render

if TYPE_CHECKING:
    from pipeline.panel import Panel, Row

BACK: Colour = DARK
FAINT: Colour = (140, 132, 132)
TRACK: Colour = (62, 55, 55)
"""Of the empty part of a bar, of rules, and of keys."""

MARGIN = 22
TITLE, LARGE, NORMAL, SMALL = 13, 19, 15, 13
"""Font sizes."""
BAR = 5
"""Height of a bar."""
ROW_ROOM, MORE_ROOM = 76, 20
"""Height of the largest row of a person, and of the line that says how many more there are."""

KEYS = (
    (("f", "full screen"), ("h", "hide this")),
    (("space", "pause"), ("s", "save picture")),
    (("r", "record"), ("q", "quit")),
)
"""Keys with what they do, in rows of two columns."""


def draw_panel(area: np.ndarray, panel: Panel | None, dropped: int, scale: float) -> None:
    """Draw a panel, in place: people on top, then the last actions, keys and speed at the bottom.

    Args:
        area: uint8 [H, W, 3], BGR, all of which is drawn over.
        panel: what is known; None while nothing is.
        dropped: number of frames that there was no time for.
        scale: of all lengths and fonts.
    """
    cv2.rectangle(area, (0, 0), area.shape[1::-1], BACK, -1)
    pen = _Pen(area, scale)
    pen.bottom -= pen.length(MARGIN)
    _draw_speed(pen, panel, dropped)
    _draw_keys(pen)
    pen.y = pen.length(MARGIN - 4)
    if panel is not None:
        _draw_rows(pen, panel.rows)
        _draw_events(pen, panel)


def speed(panel: Panel, dropped: int) -> str:
    """Rate, age, and the number of frames that there was no time for, in one line."""
    return f"{panel.rate:.0f} frames/s   {1000 * panel.age:.0f} ms   {dropped} dropped"


class _Pen:
    """Draws from top to bottom in a column with margins, as long as there is room.

    Attributes:
        y: where the next line begins, in pixels.
        bottom: where the room ends.
        left, right: edges of the column.
    """

    def __init__(self, area: np.ndarray, scale: float):
        self._area = area
        self._scale = scale
        self.y, self.bottom = 0, area.shape[0]
        self.left = self.length(MARGIN)
        self.right = area.shape[1] - self.left

    def length(self, value: float) -> int:
        """Scale a length to pixels."""
        return max(1, round(value * self._scale))

    def has_room(self, height: float) -> bool:
        return self.y + self.length(height) <= self.bottom

    def text(
        self,
        words: str,
        colour: Colour,
        size: float,
        x: int | None = None,
        line: float | None = None,
        right: bool = False,
        back: Colour = BACK,
        margin: float = 0,
    ) -> int:
        """Write at the current height, from `x`, or up to it if `right`; return the width.

        Words that would reach beyond the column are cut off. They are centred in the height of a
        `line` of another font size, if given.
        """
        x = (self.right if right else self.left) if x is None else x
        room = x - self.left if right else self.right - x
        padding = self.length(margin) if margin else 0
        picture = render(((words, colour),), back, self.length(size), padding)
        picture = picture[:, : max(0, room)]
        y = self.y + (self.line_height(line or size) - picture.shape[0]) // 2
        picture = picture[: max(0, self._area.shape[0] - y)]
        height, width = picture.shape[:2]
        start = x - width if right else x
        self._area[y : y + height, start : start + width] = picture
        return width

    def line_height(self, size: float) -> int:
        """Height of a line of text in pixels."""
        return render((("0", WHITE),), BACK, self.length(size)).shape[0]

    def bar(self, share: float, colour: Colour, left: int, right: int, height: float) -> None:
        """Draw a bar at the current height."""
        bottom = self.y + self.length(height) - 1
        cv2.rectangle(self._area, (left, self.y), (right - 1, bottom), TRACK, -1)
        end = left + round(share * (right - left))
        if end > left:
            cv2.rectangle(self._area, (left, self.y), (end - 1, bottom), colour, -1)

    def title(self, words: str) -> None:
        self.text(words, FAINT, TITLE)
        self.y += self.line_height(TITLE) + self.length(8)


def _chips(pen: _Pen, people: tuple[int, ...], size: float, line: float | None = None) -> int:
    """Draw the numbers of people on their colours, and return where what follows them begins."""
    x = pen.left
    for person in people:
        x += pen.text(str(person), DARK, size, x, line, back=person_colour(person), margin=5)
        x += pen.length(3)
    return x + pen.length(6)


def _draw_rows(pen: _Pen, rows: tuple[Row, ...]) -> None:
    pen.title("IN VIEW")
    if not rows:
        pen.text("nobody", GREY, NORMAL)
        pen.y += pen.line_height(NORMAL) + pen.length(10)
    for number, row in enumerate(rows):
        left = len(rows) - number
        if not pen.has_room(ROW_ROOM + (MORE_ROOM if left > 1 else 0)):
            if pen.has_room(MORE_ROOM):
                pen.text(f"and {left} more", FAINT, SMALL)
                pen.y += pen.line_height(SMALL)
            break
        if row.label:
            _draw_named(pen, row)
        else:
            _draw_unnamed(pen, row)
    pen.y += pen.length(14)


def _draw_named(pen: _Pen, row: Row) -> None:
    x = _chips(pen, row.people, LARGE)
    number = pen.text(f"{row.score:.0%}", GREY, NORMAL, line=LARGE, right=True)
    label = row.label or ""
    room = pen.right - number - pen.length(8) - x
    size = min(
        LARGE, LARGE * room / max(1, render(((label, WHITE),), BACK, pen.length(LARGE)).shape[1])
    )
    pen.text(label, WHITE, size, x, LARGE)
    pen.y += pen.line_height(LARGE) + pen.length(5)
    colour = row.colours[0] if len(row.people) == 1 else YELLOW
    pen.bar(row.score, colour, pen.left, pen.right, BAR)
    pen.y += pen.length(BAR + 12)


def _draw_unnamed(pen: _Pen, row: Row) -> None:
    x = _chips(pen, row.people, LARGE)
    pen.text("no known action", FAINT, NORMAL, x, LARGE)
    pen.y += pen.line_height(LARGE) + pen.length(3)
    for label, score in row.likeliest:
        pen.text(label, FAINT, SMALL, x)
        pen.text(f"{score:.0%}", FAINT, SMALL, right=True)
        pen.y += pen.line_height(SMALL)
        pen.bar(score, FAINT, x, pen.right, 2)
        pen.y += pen.length(4)
    pen.y += pen.length(12)


def _draw_events(pen: _Pen, panel: Panel) -> None:
    height = pen.line_height(NORMAL) + pen.length(4)
    if not panel.events or not pen.y + 3 * height < pen.bottom:
        return
    pen.title("LAST ACTIONS")
    for event in panel.events:
        if pen.y + height > pen.bottom:
            break
        x = _chips(pen, event.people, SMALL, NORMAL)
        ongoing = event.end is None
        pen.text(event.label, WHITE if ongoing else GREY, NORMAL, x)
        pen.text(
            event.ended(panel.time), GREY if ongoing else FAINT, SMALL, line=NORMAL, right=True
        )
        pen.y += height


def _draw_keys(pen: _Pen) -> None:
    height = pen.line_height(SMALL) + pen.length(6)
    pen.bottom -= height * len(KEYS) + pen.length(16)
    pen.y = pen.bottom + pen.length(8)
    half = (pen.right - pen.left) // 2
    for row in KEYS:
        for column, (key, words) in enumerate(row):
            x = pen.left + column * half
            x += pen.text(key, WHITE, SMALL, x, back=TRACK, margin=5) + pen.length(7)
            pen.text(words, FAINT, SMALL, x)
        pen.y += height


def _draw_speed(pen: _Pen, panel: Panel | None, dropped: int) -> None:
    pen.bottom -= pen.line_height(SMALL)
    pen.y = pen.bottom
    if panel is not None:
        pen.text(speed(panel, dropped), FAINT, SMALL)
