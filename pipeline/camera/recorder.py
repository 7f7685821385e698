"""Recordings and pictures of a live source, saved at the user's request."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import cv2
import numpy as np
from typing_extensions import Self

from models.part import write_whole
from pipeline.overlay import draw
from pipeline.sink import VideoSink

if TYPE_CHECKING:
    from pipeline.camera.feed import Live
    from pipeline.engine import Result


class Recorder:
    """Saves annotated recordings and pictures, never mirrored.

    Args:
        source: gives size, rate and time base.
        path: of a recording that starts at once; None to start without one.

    Attributes:
        saved: the finished files.

    Raises:
        UserError: see `VideoSink`.
    """

    def __init__(self, source: Live, path: Path | None = None):
        self.saved: list[Path] = []
        self._source = source
        self._result: Result | None = None
        self._threshold = 0.0
        self._starting = False
        self._sink = None if path is None else VideoSink(path, source)

    @property
    def recording(self) -> bool:
        """Whether the next result is recorded."""
        return self._starting or self._sink is not None

    def toggle(self) -> None:
        """Stop the recording, or start one in the working folder, named after date and time."""
        if self._sink is not None:
            self._finish(self._sink)
        else:
            self._starting = not self._starting

    def save(self) -> None:
        """Save the last picture into the working folder, named after date and time.

        Raises:
            UserError: it cannot be written there.
        """
        if self._result is None:
            return
        path = named_now("picture", ".png")
        _, png = cv2.imencode(".png", self._picture(self._result))
        write_whole(path.absolute(), png.tobytes())
        self.saved.append(path)

    def write(self, result: Result, threshold: float) -> None:
        """Add the next result, and write it if a recording runs.

        Args:
            result: later than the previous one; its own picture is not drawn on.
            threshold: the pose model's; joints with a lower score are absent.

        Raises:
            UserError: the recording cannot be written, as on a full disk.
        """
        self._result, self._threshold = result, threshold
        if self._starting:
            self._starting = False
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
        if error is None:
            self.saved.append(sink.path)


def named_now(kind: str, suffix: str, folder: Path = Path()) -> Path:
    """An unused file name in a folder, the working one if none is given.

    Such as picture-20261231-235959.png.
    """
    name = f"{kind}-{datetime.now():%Y%m%d-%H%M%S}"
    path, number = folder / f"{name}{suffix}", 1
    while os.path.lexists(path):
        number += 1
        path = folder / f"{name}-{number}{suffix}"
    return path
