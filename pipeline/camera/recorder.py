"""What is kept of a live source when the user asks for it: recordings and single pictures."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from models.errors import UserError
from pipeline.overlay import draw
from pipeline.sink import VideoSink

if TYPE_CHECKING:
    from pipeline.camera.feed import Live
    from pipeline.engine import Result


class Recorder:
    """Writes annotated videos and pictures, never mirrored, while it is told to.

    Args:
        source: gives size, rate and time base.
        path: the first recording, which begins at once; None to begin with none.

    Attributes:
        kept: the files that are done.

    Raises:
        UserError: see `VideoSink`.
    """

    def __init__(self, source: Live, path: Path | None = None):
        self.kept: list[Path] = []
        self._source = source
        self._result: Result | None = None
        self._threshold = 0.0
        self._asked = False
        self._sink = None if path is None else VideoSink(path, source)

    @property
    def recording(self) -> bool:
        """Whether what comes next is recorded."""
        return self._asked or self._sink is not None

    def toggle(self) -> None:
        """Finish the recording; or begin one in the working folder, named after the moment."""
        if self._sink is not None:
            self._finish(self._sink)
        else:
            self._asked = not self._asked

    def save(self) -> None:
        """Write the last picture into the working folder, named after the moment.

        Raises:
            UserError: it cannot be written there.
        """
        if self._result is None:
            return
        path = named_now("picture", ".png")
        if not cv2.imwrite(str(path), self._picture(self._result)):
            raise UserError(f"cannot write {path.absolute()}")
        self.kept.append(path)

    def write(self, result: Result, threshold: float) -> None:
        """Take the next result.

        Args:
            result: later than the one before; nothing is drawn on its picture itself.
            threshold: the pose model's own; a joint with a lower score was not seen.

        Raises:
            UserError: the disk is full, or gone.
        """
        self._result, self._threshold = result, threshold
        if self._asked:
            self._asked = False
            self._sink = VideoSink(named_now("recording", ".mp4"), self._source)
        if self._sink is not None:
            self._sink.write(result.frame.time, self._picture(result))

    def _picture(self, result: Result) -> np.ndarray:
        return draw(result.frame.image.copy(), result.people, result.actions, self._threshold)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._sink is not None:
            self._finish(self._sink, error)

    def _finish(self, sink: VideoSink, error: BaseException | None = None) -> None:
        self._sink = None
        sink.close(error)
        self.kept.append(sink.path)


def named_now(kind: str, suffix: str) -> Path:
    """A file in the working folder that is not there yet, such as picture-20261231-235959.png."""
    name = f"{kind}-{datetime.now():%Y%m%d-%H%M%S}"
    path, number = Path(f"{name}{suffix}"), 1
    while path.exists():
        number += 1
        path = Path(f"{name}-{number}{suffix}")
    return path
