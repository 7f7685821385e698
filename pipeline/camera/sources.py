"""Opening live sources by name."""

from pathlib import Path

from models.errors import UserError
from pipeline.camera.cameras import Camera
from pipeline.camera.feed import Live
from pipeline.camera.files import Folder, Video
from pipeline.camera.streams import Stream, without_password

SCHEMES = ("rtsp", "rtsps", "http", "https")
"""Schemes of the addresses that are opened."""

MAX_DIGITS = 9
"""Digits of a camera's number: OpenCV has 31 bits for it."""


def open_live(source: str) -> Live:
    """Open a live source.

    Args:
        source: a camera's number, an address with rtsp:// or http://, a folder of pictures, or a
            video file. Videos are played in real time, folders at 30 pictures a second.

    Raises:
        UserError: there is no such source, or it gives no picture.
    """
    if not source:
        raise UserError("name a source: a camera's number, a video, a folder, rtsp:// or http://")
    if source.isdecimal():
        if len(source) > MAX_DIGITS:
            raise UserError(f"there is no camera {source}")
        return Live(lambda: Camera(int(source)), f"camera {source}")
    scheme, separator, _ = source.partition("://")
    if separator:
        if scheme.lower() not in SCHEMES:
            raise UserError(f"{scheme}:// is not opened: use {', '.join(SCHEMES)}")
        return Live(lambda: Stream(source), without_password(source))
    path = Path(source)
    if path.is_dir():
        return Live(lambda: Folder(path), source)
    return Live(lambda: Video(path), source, path)
