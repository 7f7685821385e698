"""Where results go: a video file, JSON Lines, a table of events.

Every sink is a context manager that writes beside its output (`out.partial.mp4` for `out.mp4`) and
renames when all is done. After an error or Ctrl-C the part that was done is finished properly and
keeps the partial name, which a note on the exception tells; what stood under the output's own name
before is replaced only by a whole new one.
"""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

import av
import cv2
import numpy as np

from models.errors import UserError
from pipeline.audio import AudioTrack
from pipeline.source import Source

if TYPE_CHECKING:  # writing needs no network to be loaded
    from pipeline.classify import Action
    from pipeline.person import Person

ENCODER = {"preset": "superfast", "crf": "22", "bf": "0"}
"""libx264's speed and quality. On one core at 720p, superfast takes 9 ms and veryfast 15 ms a frame
for files of like size and quality. Without B-frames frames are stored as they are shown, so that no
player need work out durations, and encoding is a fifth faster, for files a quarter larger."""

BT709, LIMITED_RANGE = 1, 1
"""FFmpeg's AVCOL_*_BT709 (space, primaries and transfer alike) and AVCOL_RANGE_MPEG."""

BRIDGED = 0.5
"""Seconds for which an action may go unseen and still be the same event."""


class _Sink(ABC):
    """A file that is written under a partial name and renamed when whole.

    Attributes:
        path: the output.
        partial: the name it has until it is whole.
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
            self._refuse(source.path)
        try:
            self.partial.open("wb").close()
        except OSError as error:
            raise self._refusal(error) from error

    def _refuse(self, source: Path) -> None:
        for path in (self.path, self.partial):
            if path.exists() and path.samefile(source):
                raise UserError(f"{path} is the input, and would be overwritten: name another")

    def _refusal(self, error: Exception) -> UserError:
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
        """Finish the file and give it its name; the partial one is kept after an error.

        Raises:
            UserError: the disk is full, or gone.
        """
        whole = error is None
        try:
            self._finish(whole)
            self._settle(error)
        except (av.FFmpegError, OSError) as failure:
            if whole:
                raise self._refusal(failure) from failure

    def _settle(self, error: BaseException | None) -> None:
        if not self._written:
            self.partial.unlink()
            if error is None:
                raise UserError(f"there was no frame to write: {self.path} was not made")
        elif error is None:
            self.partial.replace(self.path)
        else:
            error.add_note(f"what was done is in {self.partial}")

    @abstractmethod
    def _finish(self, whole: bool) -> None:
        """Write what is still held back and close the file."""


class VideoSink(_Sink):
    """H.264 in MP4 that browsers and QuickTime play, with the source's own times and sound.

    Colours are BT.709, limited range, and say so; odd sizes are padded by one row or column;
    pictures are taken as upright, so the file has no rotation flag. AAC and MP3 are copied,
    other sound is encoded as AAC.

    Args:
        path: the output, ending in .mp4.
        source: gives size, rate, time base and sound; the sound is cut at its `max_seconds`. A
            live source has neither `path` (None) nor sound (`has_audio`).

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
        # In whole milliseconds, MP4's usual clock, a first frame that comes late would be shifted.
        ticks = source.time_base.denominator
        clock = ticks * math.ceil(10_000 / ticks)
        options = {"movflags": "+faststart", "movie_timescale": str(clock)}
        # "file:" keeps a colon in a name from being read as a protocol.
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
            time: seconds, later than the frame's before.
            image: uint8 [H, W, 3] BGR, of the source's size.

        Raises:
            UserError: the disk is full, or gone.
        """
        try:
            self._container.mux(self._video.encode(self._frame(time, image)))
            self._written = True
            if self._audio is not None:
                self._audio.write(until=time)
        except (av.FFmpegError, OSError) as error:
            raise self._refusal(error) from error

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

    def _finish(self, whole: bool) -> None:
        try:
            if self._written:
                self._container.mux(self._video.encode(None))
                if self._audio is not None:
                    done = float((self._pts + self._step) * self._time_base)
                    self._audio.write(until=self._max_seconds if whole else done)
                    self._audio.flush()
        finally:
            self._container.close()
            if self._audio is not None:
                self._audio.close()


class JsonLinesSink(_Sink):
    """One JSON object a frame and line (JSON Lines, UTF-8).

    Its fields:

    - `frame`: number of the frame in the source, from 0.
    - `time`: seconds from the source's start.
    - `people`: one object for each person in view: `id`, the same as long as they are followed;
      `box`, [x1, y1, x2, y2, score]; `keypoints`, 17 times [x, y, score] in COCO order.
    - `actions`: one object for each person or pair that was looked at: `people`, one or two ids;
      `label`, or null while there is no known action; `score`, of that answer; `scores`, the
      probability of every label by name.

    Coordinates are pixels of the upright picture, scores and probabilities are in 0..1. A joint
    that was not seen has a score under the pose model's threshold, and null coordinates if the
    model gave none.

    Args:
        path: the output, ending in .jsonl or .ndjson, or "-" for standard output, where
            every line is passed on at once.
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
            UserError: the disk is full, or the reader of standard output is gone.
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
                # Python flushes standard output once more when it ends, and would complain again.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._file.fileno())
            raise self._refusal(error) from error
        self._written = True

    def _action_record(self, action: Action) -> dict:
        return {
            "people": [int(person) for person in action.people],
            "label": action.label,
            "score": _number(action.score),
            "scores": dict(zip(self._labels, map(_number, action.scores), strict=True)),
        }

    def _finish(self, whole: bool) -> None:
        if self._streaming:
            self._file.flush()
        else:
            self._file.close()

    def _settle(self, error: BaseException | None) -> None:
        if not self._streaming:
            super()._settle(error)


def _person_record(person: Person) -> dict:
    return {
        "id": int(person.id),
        "box": _rounded(person.box, [1, 1, 1, 1, 3]),
        "keypoints": [_rounded(joint, [1, 1, 3]) for joint in person.keypoints],
    }


def _rounded(values: np.ndarray, digits: Sequence[int]) -> list[float | None]:
    return [_number(value, places) for value, places in zip(values, digits, strict=True)]


def _number(value: float, digits: int = 3) -> float | None:
    """A number as JSON has it, null where there is none."""
    return round(float(value), digits) if math.isfinite(value) else None


@dataclass
class _Event:
    """A run of one label; `end` is set while the label is out of sight."""

    people: tuple[int, ...]
    label: str
    start: float
    end: float | None = None
    total: float = 0.0
    frames: int = 0

    def see(self, score: float) -> None:
        self.end = None
        self.total += score
        self.frames += 1

    def row(self, end: float) -> dict[str, object]:
        """Its columns; `end` counts if the label is in sight."""
        return {
            "start": round(self.start, 3),
            "end": round(end if self.end is None else self.end, 3),
            "who": "+".join(map(str, self.people)),
            "label": self.label,
            "score": round(self.total / self.frames, 3),
        }


class EventsSink(_Sink):
    """One row an action, in the order in which they begin, as CSV or JSON.

    Its columns, or fields: `start` and `end`, in seconds from the source's start, the end being
    the first moment without the label; `who`, ids such as "1" or "1+2"; `label`; `score`, the
    mean over the frames with the label. A label that is away for less than half a second is still
    the same event, unless the same people have another label meanwhile.

    Args:
        path: the output, ending in .csv or .json.
        source: where the frames come from, which the output must not overwrite.

    Raises:
        UserError: the output cannot be written there, or is the source itself.
    """

    def __init__(self, path: str | Path, source: Source | None = None):
        super().__init__(path, (".csv", ".json"), source)
        self._open: dict[tuple[int, ...], _Event] = {}
        self._events: list[_Event] = []
        self._time = 0.0
        self._step = 0.0

    def write(self, time: float, actions: Sequence[Action]) -> None:
        """Add what is known at a time, in seconds, later than the one before."""
        if self._written:
            self._step = time - self._time
        self._time = time
        self._written = True
        shown = {
            tuple(sorted(a.people)): (a.label, a.score) for a in actions if a.label is not None
        }
        for people, event in list(self._open.items()):
            if people in shown and shown[people][0] == event.label:
                continue
            event.end = time if event.end is None else event.end
            if people in shown or time - event.end >= BRIDGED:
                del self._open[people]
        for people, (label, score) in shown.items():
            if people not in self._open:
                self._open[people] = _Event(people, label, time)
                self._events.append(self._open[people])
            self._open[people].see(float(score))

    def _finish(self, whole: bool) -> None:
        rows = [event.row(end=self._time + self._step) for event in self._events]
        with self.partial.open("w", encoding="utf-8", newline="") as file:
            if self.path.suffix.lower() == ".json":
                json.dump(rows, file, indent=1)
            else:
                writer = csv.DictWriter(file, ("start", "end", "who", "label", "score"))
                writer.writeheader()
                writer.writerows(rows)
