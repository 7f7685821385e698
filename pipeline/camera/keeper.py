"""The last seconds of a live source, kept as a clip to teach by at the user's request."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.action.label import label_name
from models.errors import UserError
from models.text import printable
from pipeline.camera.recorder import named_now
from pipeline.sink import VideoSink

if TYPE_CHECKING:
    from pipeline.camera.feed import Live
    from pipeline.source import Frame

SECONDS = 2.0
"""Length of a clip, if not said otherwise."""
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95]


class _Clip(VideoSink):
    """A clip, of which nothing is left unless it is whole: half an action is another one."""

    def _is_usable(self) -> bool:
        return False


class Keeper:
    """Remembers the last pictures as they came: nothing is drawn on them, nor are they mirrored.

    Args:
        source: gives size, rate and time base.
        folder: of the clips of one label; made if it is missing.
        seconds: length of a clip.

    Attributes:
        saved: the clips that were kept.

    Raises:
        UserError: the folder cannot be made.
    """

    def __init__(self, source: Live, folder: Path, seconds: float = SECONDS):
        self.saved: list[Path] = []
        self._source, self._folder, self._seconds = source, folder, seconds
        self._frames: deque[tuple[float, np.ndarray]] = deque()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error

    def write(self, frame: Frame) -> None:
        """Remember a frame, later than the previous one, and forget old ones."""
        # Two seconds as they are would take 300 MB at 720p.
        self._frames.append((frame.time, cv2.imencode(".jpg", frame.image, _QUALITY)[1]))
        while frame.time - self._frames[0][0] > self._seconds:
            self._frames.popleft()

    def forget(self) -> None:
        """Forget all frames, as after an interrupted stream."""
        self._frames.clear()

    def keep(self) -> None:
        """Write what is remembered as a clip, named after date and time, and begin anew.

        Raises:
            UserError: it cannot be written.
        """
        if not self._frames:
            return
        sink = _Clip(named_now("take", ".mp4", self._folder), self._source)
        try:
            for time, coded in self._frames:
                sink.write(time, cv2.imdecode(coded, cv2.IMREAD_COLOR))
        except BaseException as error:
            sink.close(error)
            raise
        sink.close()
        self.saved.append(sink.path)
        self.forget()


def label_folder(clips: Path, label: str) -> Path:
    """Where the clips of a label are kept.

    Raises:
        UserError: the clips are not in a folder, or the label cannot be the name of one.
    """
    if clips.exists() and not clips.is_dir():
        raise UserError(f"{clips} is not a folder: clips are kept in one, by their labels")
    if (
        not label
        or label.startswith(".")
        or "/" in label
        or "\\" in label
        or label_name(label) != label
    ):
        raise UserError(
            f"the label {printable(label)!r} cannot be a folder's name: leave out slashes, line "
            "breaks and a dot in front"
        )
    return clips / label
