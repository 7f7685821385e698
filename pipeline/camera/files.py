"""Videos and folders of pictures, played in real time."""

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from models.errors import UserError
from pipeline.camera.feed import Feed
from pipeline.camera.pace import Pace
from pipeline.source import VideoFile

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
"""File names of pictures."""


class Video(Feed):
    """A video file, played in real time."""

    endless = False

    def __init__(self, path: Path):
        self._file = VideoFile(path)
        self.rate = self._file.rate

    def __iter__(self) -> Iterator[np.ndarray]:
        pace = Pace()
        for frame in self._file:
            pace.wait(frame.time)
            yield frame.image
        if self._file.problem:
            raise UserError(self._file.problem)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Folder(Feed):
    """Pictures of a folder in the order of the numbers in their names, played at `Feed.rate`."""

    endless = False

    def __init__(self, path: Path):
        try:
            files = [file for file in path.iterdir() if file.suffix.lower() in IMAGES]
        except OSError as error:
            raise UserError(f"{path} may not be read: check its permissions") from error
        if not files:
            raise UserError(f"the folder {path} has no pictures ({', '.join(IMAGES)})")
        self._files = sorted(files, key=_numbers)

    def __iter__(self) -> Iterator[np.ndarray]:
        pace = Pace()
        for index, file in enumerate(self._files):
            image = _read(file)
            if image is None:
                raise UserError(f"{file} cannot be read: it is not a picture, or damaged")
            pace.wait(float(index / self.rate))
            yield image

    def close(self) -> None:
        """Do nothing: no file stays open."""


def _read(file: Path) -> np.ndarray | None:
    """A picture; None if it is none, or larger than OpenCV reads."""
    try:
        return cv2.imread(str(file))
    except cv2.error:
        return None


def _numbers(file: Path) -> list[tuple[int, str]]:
    """A sort key that puts picture2 before picture10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in _parts(file.name)]


def _parts(name: str) -> list[str]:
    return re.findall(r"[0-9]+|[^0-9]+", name)
