"""Where the picture and the panel are in the window."""

from dataclasses import dataclass

PANEL = 300
"""Width of the panel in a window of `DESIGN` pixels."""
DESIGN = 1280, 560
"""Window size up to which the panel's lengths and fonts are as they are written in the code. In a
larger window they grow with it."""
MAX_SCALE = 3.0
"""Limit of that growth."""
MIN_PICTURE, MIN_HEIGHT = 320, 200
"""Width that a panel must leave for the picture, and height of the window, for there to be one."""
OPENING_PICTURE = 980, 720
"""Size that the picture is fitted into when the window opens."""
MIN_OPENING = 960, 560
"""Smallest window that is opened."""


@dataclass(frozen=True)
class Layout:
    """A window's layout, in pixels.

    Attributes:
        width, height: of the window.
        left, top, picture_width, picture_height: of the picture, which is as large as possible.
        panel: width of the panel, which is at the right edge; 0 if there is none.
        scale: of the panel's lengths and fonts.
    """

    width: int
    height: int
    left: int
    top: int
    picture_width: int
    picture_height: int
    panel: int
    scale: float

    @property
    def stage(self) -> int:
        """Width of the part of the window that the picture is in."""
        return self.width - self.panel


def arrange(window: tuple[int, int], picture: tuple[int, int], with_panel: bool) -> Layout:
    """Lay out a window.

    Args:
        window: its width and height.
        picture: width and height of the source's pictures.
        with_panel: whether a panel is shown where there is room for it.
    """
    width, height = window
    scale = min(max(min(width / DESIGN[0], height / DESIGN[1]), 1.0), MAX_SCALE)
    panel = round(PANEL * scale)
    if not with_panel or width - panel < MIN_PICTURE or height < MIN_HEIGHT:
        panel = 0
    fitted_width, fitted_height = _fit(picture, (width - panel, height))
    return Layout(
        width=width,
        height=height,
        left=(width - panel - fitted_width) // 2,
        top=(height - fitted_height) // 2,
        picture_width=fitted_width,
        picture_height=fitted_height,
        panel=panel,
        scale=scale,
    )


def opening_size(picture: tuple[int, int], with_panel: bool = True) -> tuple[int, int]:
    """Width and height of the window at first, for the size of the source's pictures."""
    width, height = _fit(picture, OPENING_PICTURE)
    return max(width + PANEL * with_panel, MIN_OPENING[0]), max(height, MIN_OPENING[1])


def _fit(picture: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the picture's aspect ratio that fits into the room."""
    factor = min(room[0] / picture[0], room[1] / picture[1])
    return max(1, round(picture[0] * factor)), max(1, round(picture[1] * factor))
