"""Writing: a video file, JSON Lines, and a table of events.

Every sink is a context manager. It writes to a partial file (`out.partial.mp4` for `out.mp4`) and
renames it when everything is written, so that an older output is replaced only by a complete new
one. After an error or Ctrl-C the partial file is closed properly and keeps its name, which is added
to the exception as a note.
"""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

import av
import cv2
import numpy as np

from models.errors import UserError
from pipeline.audio import AudioTrack
from pipeline.events import Event, Events
from pipeline.source import Source

if TYPE_CHECKING:  # writing loads no network
    from pipeline.classify import Action
    from pipeline.person import Person

ENCODER = {"preset": "superfast", "crf": "22", "bf": "0"}
"""Options of libx264. On one core at 720p, superfast takes 9 ms a frame and veryfast 15 ms, for
files of similar size and quality. Without B-frames, frames are stored in the order in which they
are shown, so that no player has to work out durations. Encoding is then a fifth faster, and files
are a quarter larger."""

BT709, LIMITED_RANGE = 1, 1
"""FFmpeg's AVCOL_*_BT709 (the same for space, primaries and transfer) and AVCOL_RANGE_MPEG."""


class FileSink(ABC):
    """A file that is written under a partial name and renamed when complete.

    Subclasses set `_written` with the first frame, and close the file in `_finish`.

    Args:
        path: the output.
        suffixes: that `path` may have, in lower case.
        source: where the frames come from, which the output must not overwrite.

    Attributes:
        path: the output.
        partial: its name until it is complete.

    Raises:
        UserError: the output cannot be written there, or is the source itself.
    """

    def __init__(self, path: str | Path, suffixes: Sequence[str], source: Source | None):
        self.path = Path(path)
        self.partial = self.path.with_name(f"{self.path.stem}.partial{self.path.suffix}")
        self._written = False
        if self.path.is_dir():
            raise UserError(f"the output {self.path} is a folder: name a file")
        if self.path.suffix.lower() not in suffixes:
            raise UserError(f"the output {self.path} must end in {' or '.join(suffixes)}")
        if source is not None and source.path is not None:
            self._check_is_not(source.path)
        try:
            self.partial.open("wb").close()
        except OSError as error:
            raise self._write_error(error) from error

    def _check_is_not(self, source: Path) -> None:
        for path in (self.path, self.partial):
            if path.exists() and path.samefile(source):
                raise UserError(f"{path} is the input, and would be overwritten: name another")

    def _write_error(self, error: Exception) -> UserError:
        return UserError(f"cannot write {self.path}: {getattr(error, 'strerror', None) or error}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(error)

    def close(self, error: BaseException | None = None) -> None:
        """Close the file, and rename it unless there was an error.

        Raises:
            UserError: it cannot be written, or has no frame.
        """
        complete = error is None
        try:
            self._finish(complete)
            self._rename(error)
        except (av.FFmpegError, OSError) as failure:
            if complete:
                raise self._write_error(failure) from failure

    def _rename(self, error: BaseException | None) -> None:
        if not self._written:
            self.partial.unlink()
            if error is None:
                raise UserError(f"there was no frame to write: {self.path} was not made")
        elif error is None:
            self.partial.replace(self.path)
        else:
            error.add_note(f"what was done is in {self.partial}")

    @abstractmethod
    def _finish(self, complete: bool) -> None:
        """Write what is still held back, and close the file."""


class VideoSink(FileSink):
    """H.264 in MP4 that browsers and QuickTime play, with the times and audio of the source.

    Colours are BT.709 in limited range, and tagged so. Odd sizes are padded by one row or column.
    Pictures are upright, so the file has no rotation flag. AAC and MP3 are copied, other audio is
    encoded as AAC.

    Args:
        path: the output, ending in .mp4.
        source: gives size, rate, time base and audio. The audio ends at its `max_seconds`.

    Raises:
        UserError: the output cannot be written there, or is the source itself.
    """

    def __init__(self, path: str | Path, source: Source):
        super().__init__(path, (".mp4",), source)
        self._time_base = source.time_base
        self._max_seconds = source.max_seconds
        self._pts = -1
        self._step = round(1 / source.rate / source.time_base)
        self._padding = (source.height % 2, source.width % 2)
        # MP4's usual clock counts whole milliseconds, which would shift a first frame that is late.
        ticks = source.time_base.denominator
        clock = ticks * math.ceil(10_000 / ticks)
        options = {"movflags": "+faststart", "movie_timescale": str(clock)}
        # "file:", so that a colon in the name is not read as a protocol.
        self._container = av.open(f"file:{self.partial}", "w", format="mp4", options=options)
        self._video = self._add_video(source)
        self._audio = AudioTrack(source, self._container) if source.has_audio else None

    def _add_video(self, source: Source) -> av.VideoStream:
        rate = source.rate.limit_denominator(1001)
        video = self._container.add_stream("libx264", rate=rate, options=ENCODER)
        video.width = source.width + self._padding[1]
        video.height = source.height + self._padding[0]
        video.pix_fmt = "yuv420p"
        video.time_base = video.codec_context.time_base = self._time_base
        video.colorspace = video.color_primaries = video.color_trc = BT709
        video.color_range = LIMITED_RANGE
        return video

    def write(self, time: float, image: np.ndarray) -> None:
        """Add a frame.

        Args:
            time: in seconds, later than that of the previous frame.
            image: uint8 [H, W, 3] BGR, of the source's size.

        Raises:
            UserError: the file cannot be written, as on a full disk.
        """
        try:
            self._container.mux(self._video.encode(self._frame(time, image)))
            self._written = True
            if self._audio is not None:
                self._audio.write(until=time)
        except (av.FFmpegError, OSError) as error:
            raise self._write_error(error) from error

    def _frame(self, time: float, image: np.ndarray) -> av.VideoFrame:
        if any(self._padding):
            bottom, right = self._padding
            image = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        frame = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(image), "bgr24").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        self._pts = max(round(time / self._time_base), self._pts + 1)
        frame.pts, frame.time_base = self._pts, self._time_base
        return frame

    def _finish(self, complete: bool) -> None:
        try:
            if self._written:
                self._container.mux(self._video.encode(None))
                if self._audio is not None:
                    done = float((self._pts + self._step) * self._time_base)
                    self._audio.write(until=self._max_seconds if complete else done)
                    self._audio.flush()
        finally:
            self._container.close()
            if self._audio is not None:
                self._audio.close()


class JsonLinesSink(FileSink):
    """JSON Lines in UTF-8: one object for each frame, on a line of its own.

    Its fields:

    - `frame`: number of the frame in the source, from 0.
    - `time`: seconds from the source's start.
    - `people`: one object for each person in the frame: `id`, the same for as long as the person is
      tracked; `box`, [x1, y1, x2, y2, score]; `keypoints`, 17 times [x, y, score] in COCO order.
    - `actions`: one object for each person or pair that was classified: `people`, one or two ids;
      `label`, or null for no known action; `score`, the probability of the label, or of the most
      likely one if it is null; `scores`, the probability of every label by name.

    Coordinates are pixels of the upright picture, scores and probabilities are in 0..1. An absent
    joint has a score below the pose model's threshold, and null coordinates if the model gave none.

    Args:
        path: the output, ending in .jsonl or .ndjson, or "-" for standard output, where each line
            is flushed at once.
        labels: names of the classes, in the order of `Action.scores`.
        source: where the frames come from, which the output must not overwrite.

    Raises:
        UserError: the output cannot be written there, or is the source itself.
    """

    def __init__(self, path: str | Path, labels: Sequence[str], source: Source | None = None):
        self._labels = labels
        self._file: TextIO = sys.stdout
        self._streaming = str(path) == "-"
        if self._streaming:
            self.path = Path("standard output")
        else:
            super().__init__(path, (".jsonl", ".ndjson"), source)
            self._file = self.partial.open("w", encoding="utf-8")

    def write(
        self, index: int, time: float, people: Sequence[Person], actions: Sequence[Action]
    ) -> None:
        """Add a frame.

        Raises:
            UserError: the file cannot be written, or standard output has been closed.
        """
        record = {
            "frame": int(index),
            "time": round(float(time), 6),
            "people": [_person_record(person) for person in people],
            "actions": [self._action_record(action) for action in actions],
        }
        try:
            self._file.write(json.dumps(record, allow_nan=False, separators=(",", ":")) + "\n")
            if self._streaming:
                self._file.flush()
        except OSError as error:
            if self._streaming:
                # Python flushes standard output again at exit, and would report the error again.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._file.fileno())
            raise self._write_error(error) from error
        self._written = True

    def _action_record(self, action: Action) -> dict:
        return {
            "people": [int(person) for person in action.people],
            "label": action.label,
            "score": _number(action.score),
            "scores": dict(zip(self._labels, map(_number, action.scores), strict=True)),
        }

    def _finish(self, complete: bool) -> None:
        if self._streaming:
            self._file.flush()
        else:
            self._file.close()

    def _rename(self, error: BaseException | None) -> None:
        if not self._streaming:
            super()._rename(error)


def _person_record(person: Person) -> dict:
    return {
        "id": int(person.id),
        "box": _rounded(person.box, [1, 1, 1, 1, 3]),
        "keypoints": [_rounded(joint, [1, 1, 3]) for joint in person.keypoints],
    }


def _rounded(values: np.ndarray, digits: Sequence[int]) -> list[float | None]:
    return [_number(value, places) for value, places in zip(values, digits, strict=True)]


def _number(value: float, digits: int = 3) -> float | None:
    """Round a number for JSON; NaN and infinity become null."""
    return round(float(value), digits) if math.isfinite(value) else None


class EventsSink(FileSink):
    """A table of `pipeline.events` in CSV or JSON: one row an event, in the order of their starts.

    Its columns, or fields:

    - `start`, `end`: seconds from the source's start. The end is the first time without the label.
    - `who`: ids, such as "1" or "1+2".
    - `label`: of the action.
    - `score`: mean probability over the frames with the label.

    Args:
        path: the output, ending in .csv or .json.
        source: where the frames come from, which the output must not overwrite.

    Raises:
        UserError: the output cannot be written there, or is the source itself.
    """

    def __init__(self, path: str | Path, source: Source | None = None):
        super().__init__(path, (".csv", ".json"), source)
        self._events = Events()
        self._time = 0.0
        self._step = 0.0

    def write(self, time: float, actions: Sequence[Action]) -> None:
        """Add the actions at a time, in seconds, later than the previous one."""
        if self._written:
            self._step = time - self._time
        self._time = time
        self._written = True
        self._events.update(time, actions)

    def _finish(self, complete: bool) -> None:
        rows = [_event_record(event, self._time + self._step) for event in self._events.log]
        with self.partial.open("w", encoding="utf-8", newline="") as file:
            if self.path.suffix.lower() == ".json":
                json.dump(rows, file, indent=1)
            else:
                writer = csv.DictWriter(file, ("start", "end", "who", "label", "score"))
                writer.writeheader()
                writer.writerows(rows)


def _event_record(event: Event, end: float) -> dict[str, object]:
    """The columns of an event, which ends at `end` if its label is still there."""
    return {
        "start": round(event.start, 3),
        "end": round(end if event.end is None else event.end, 3),
        "who": "+".join(map(str, event.people)),
        "label": event.label,
        "score": round(event.score, 3),
    }
