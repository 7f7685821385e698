"""Limits on what visitors may upload."""

from models.errors import UserError
from pipeline.source import VideoFile

MAX_SECONDS = 120
"""Longest duration of an uploaded video."""
MAX_SIZE = (4096, 2304)
"""Width and height of the largest picture; the number of pixels counts."""
MAX_SIDE = 8192
"""Largest width or height."""


def check(source: VideoFile) -> None:
    """Check the size and the declared duration of a video.

    Raises:
        UserError: the video is too large or too long.
    """
    check_size(source.width, source.height)
    check_length(source.duration or 0)


def check_size(width: int, height: int) -> None:
    """Check the size of a picture.

    Raises:
        UserError: the picture has too many pixels, or is too wide or too tall.
    """
    if width * height > MAX_SIZE[0] * MAX_SIZE[1] or max(width, height) > MAX_SIDE:
        raise UserError(
            f"the picture is {width}×{height}, "
            f"more than {MAX_SIZE[0]}×{MAX_SIZE[1]}: make it smaller"
        )


def check_length(seconds: float) -> None:
    """Check the duration of a video.

    Raises:
        UserError: the video is too long.
    """
    if seconds > MAX_SECONDS:
        raise UserError(
            f"the video is longer than {MAX_SECONDS} seconds: cut it, or use apps/video.py"
        )
