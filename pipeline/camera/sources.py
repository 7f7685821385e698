"""Live sources by the name that a user gives them."""

from pathlib import Path

from models.errors import UserError
from pipeline.camera.cameras import Camera
from pipeline.camera.feed import Live
from pipeline.camera.files import Folder, Video
from pipeline.camera.streams import Stream, without_password

SCHEMES = ("rtsp", "rtsps", "http", "https")
"""Of the addresses that are opened."""


def open_live(source: str) -> Live:
    """Open what `--source` names.

    Args:
        source: a camera's number, an address with rtsp:// or http://, a folder of pictures (which
            are shown 30 a second), or a video file. Files come at their own pace, as if live.

    Raises:
        UserError: there is no such source, or it gives no picture.
    """
    if source.isdecimal():
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
