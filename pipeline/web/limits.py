"""How much may be sent to a server."""

from models.errors import UserError
from pipeline.source import VideoFile

LONGEST = 120
"""Seconds that an uploaded video may last."""
LARGEST = (4096, 2304)
"""A picture may not have more pixels than one of this width and height."""


def check(source: VideoFile) -> None:
    """Refuse what is too large or too long, as far as a video says.

    Raises:
        UserError: it is.
    """
    check_size(source.width, source.height)
    check_length(source.duration or 0)


def check_size(width: int, height: int) -> None:
    """Refuse a picture with too many pixels.

    Raises:
        UserError: it has.
    """
    if width * height > LARGEST[0] * LARGEST[1]:
        raise UserError(
            f"the picture is {width}×{height}, more than {LARGEST[0]}×{LARGEST[1]}: make it smaller"
        )


def check_length(seconds: float) -> None:
    """Refuse a video that is too long.

    Raises:
        UserError: it is.
    """
    if seconds > LONGEST:
        raise UserError(f"the video is longer than {LONGEST} seconds: cut it, or use apps/video.py")
