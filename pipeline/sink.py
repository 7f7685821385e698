"""Writing: a video file, JSON Lines, and a table of events.

Every sink is a context manager. It writes to a part beside the output (`out.partial.mp4` for
`out.mp4`), which becomes the output when everything is written: see `models.part`. What is
written can be used at any moment, also after our end by force. After an error or Ctrl-C the part
keeps its name, which is added to the exception as a note.
"""

from __future__ import annotations

import csv
import json
import math
import os
import select
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import StringIO, UnsupportedOperation
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from typing_extensions import Self

from models.errors import UserError, note
from models.part import PartFile, check_output, reason, writing
from models.text import printable
from pipeline.audio import AudioTrack
from pipeline.events import Event, Events
from pipeline.mp4 import Mp4Part
from pipeline.source import Source

if TYPE_CHECKING:  # writing loads no network
    from pipeline.classify import Action
    from pipeline.notices import Notice
    from pipeline.person import Person

ENCODER = {"preset": "superfast", "crf": "22", "bf": "0"}
"""Options of libx264. On one core at 720p, superfast takes 9 ms a frame and veryfast 15 ms, for
files of similar size and quality. Without B-frames, frames are stored in the order in which they
are shown, so that no player has to work out durations. Encoding is then a fifth faster, and files
are a quarter larger."""

MAX_SIDE = 16_384
"""Pixels of the longest side that libx264 takes. Larger pictures are scaled down."""

BT709, LIMITED_RANGE = 1, 1
"""FFmpeg's AVCOL_*_BT709 (the same for space, primaries and transfer) and AVCOL_RANGE_MPEG."""

PIECE = getattr(select, "PIPE_BUF", 4096)
"""Bytes that can be written at once into a pipe that has room (POSIX)."""
PATIENCE = 1.0
"""Seconds to wait for a reader of standard output before it is asked whether to go on."""

SAVE_PERIOD = 2.0
"""Seconds between savings of the events."""


class FileSink(ABC):
    """A file that is written as a part, and gets its name when it is whole.

    Subclasses write into `_part`, set `_written` with the first frame, and complete the part in
    `_finish`.

    Args:
        path: the output.
        suffixes: that `path` may have, in lower case.
        source: where the frames come from, which the output must not overwrite.

    Attributes:
        path: the output.
        problem: after `close`, one line about what could not be written, or None.

    Raises:
        UserError: the output cannot be written there, or is the source itself.
    """

    problem: str | None = None

    def __init__(self, path: str | Path, suffixes: Sequence[str], source: Source | None):
        self.path = Path(path)
        self._written = False
        check_output(self.path, None if source is None else source.path)
        if self.path.suffix.lower() not in suffixes:
            raise UserError(f"the output {self.path} must end in {' or '.join(suffixes)}")
        with writing(self.path):
            self._part = PartFile(self.path)

    @property
    def partial(self) -> Path | None:
        """Name of the part."""
        return self._part.path

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
        """Close the file. It gets its name unless there was an error, also in closing it.

        Raises:
            UserError: it cannot be written, or has no frame.
        """
        try:
            with writing(self.path, av.FFmpegError):
                self._finish(complete=error is None)
                if error is None and self._written:
                    self._publish()
        except BaseException as failure:
            self._leave(failure if error is None else error)
            if error is None:
                raise
        else:
            if error is not None:
                self._leave(error)
            elif not self._written:
                self._part.remove()
                raise UserError(f"there was no frame to write: {self.path} was not made")

    def _leave(self, error: BaseException) -> None:
        """Keep the part if there is something in it, and note on the error where it is."""
        if self._written and self._is_usable():
            self._part.keep()
            note(error, f"what was done is in {self.partial}")
        else:
            self._part.remove()

    def _is_usable(self) -> bool:
        """Whether the part, which is complete up to an error, has something in it."""
        return True

    @abstractmethod
    def _finish(self, complete: bool) -> None:
        """Write what is still held back."""

    def _publish(self) -> None:
        """Make the part the output."""
        self._part.finish()


class VideoSink(FileSink):
    """H.264 in MP4 that browsers and QuickTime play, with the times and audio of the source.

    Colours are BT.709 in limited range, and tagged so. Odd sizes are padded by one row or column,
    and sides of more than `MAX_SIDE` pixels scaled down.
    Pictures are upright, so the file has no rotation flag. AAC and MP3 are copied where MP4 can
    have them as they are, other audio is encoded as AAC. Audio that can be neither is left out, and
    `problem` says so.

    Args:
        path: the output, ending in .mp4.
        source: gives size, rate, time base and audio. The audio ends at its `max_seconds`.
        threads: of the encoder; as many as it likes if None.

    Raises:
        UserError: the output cannot be written there, or is the source itself.
    """

    def __init__(self, path: str | Path, source: Source, threads: int | None = None):
        super().__init__(path, (".mp4",), source)
        self._options = ENCODER | ({"threads": str(threads)} if threads else {})
        self._time_base = source.time_base
        self._max_seconds = source.max_seconds
        self._pts = -1
        self._step = round(1 / source.rate / source.time_base)
        scale = min(1.0, MAX_SIDE / max(source.width, source.height))
        self._scaled = scale < 1
        self._size = tuple(max(1, round(scale * n)) for n in (source.width, source.height))
        self._padding = (self._size[1] % 2, self._size[0] % 2)
        try:
            with writing(self.path, av.FFmpegError):
                self._open(source)
        except BaseException:
            self._part.remove()
            raise

    def _open(self, source: Source) -> None:
        """Write the header, with the audio copied, or encoded, or left out if neither can be."""
        if source.has_audio:
            for copy in (True, False):
                try:
                    return self._start(source, copy)
                except UserError:
                    raise
                except Exception as error:  # whatever PyAV raises of sound that is damaged
                    self.problem = f"the sound was left out: {reason(error)}"
        self._start(source)

    def _start(self, source: Source, copy: bool | None = None) -> None:
        """Begin the file, with audio unless `copy` is None."""
        self._audio: AudioTrack | None = None
        self._mp4 = Mp4Part(self._part, self._time_base)
        try:
            self._video = self._add_video(source)
            if copy is not None:
                self._audio = AudioTrack(source, self._mp4.container, copy)
            self._mp4.container.start_encoding()
        except BaseException:
            self._mp4.abandon()
            if self._audio is not None:
                self._audio.close()
            raise
        if copy is not None:
            self.problem = None
        self._mp4.check()

    def _add_video(self, source: Source) -> av.VideoStream:
        rate = source.rate.limit_denominator(1001)
        video = self._mp4.container.add_stream("libx264", rate=rate, options=self._options)
        video.width = self._size[0] + self._padding[1]
        video.height = self._size[1] + self._padding[0]
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
        with writing(self.path, av.FFmpegError):
            self._mp4.container.mux(self._video.encode(self._frame(time, image)))
            self._written = True
            if self._audio is not None:
                self._audio.write(until=time)
            self._mp4.check()

    def _frame(self, time: float, image: np.ndarray) -> av.VideoFrame:
        if self._scaled:
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
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
            self._mp4.check()
            if self._written:
                self._mp4.container.mux(self._video.encode(None))
                if self._audio is not None:
                    done = float((self._pts + self._step) * self._time_base)
                    self._audio.finish(until=self._max_seconds if complete else done)
        finally:
            self._mp4.close()
            if self._audio is not None:
                self._audio.close()
                self.problem = self._audio.problem
        self._mp4.check()

    def _publish(self) -> None:
        """Copy the part into a file with the index in front, which becomes the output."""
        whole = PartFile(self.path, nameless=True)
        try:
            self._mp4.finish(self._part, whole)
            whole.finish()
        except BaseException:
            whole.remove()
            raise
        self._part.remove()

    def _is_usable(self) -> bool:
        try:
            with av.open(f"file:{self.partial}") as part:
                return next(part.decode(video=0), None) is not None
        except (av.FFmpegError, OSError):
            return False


class LinesSink(FileSink):
    """JSON Lines in UTF-8: objects, each on a line of its own, which is written at once.

    Args:
        path: the output, ending in .jsonl or .ndjson, or "-" for standard output.
        source: where the frames come from, which the output must not overwrite.
        stopped: whether the user has ended the program, so that it may no longer wait for a reader
            of standard output that does not read.

    Raises:
        UserError: the output cannot be written there, or is the source itself.
    """

    def __init__(
        self,
        path: str | Path,
        source: Source | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ):
        self._stream = StandardOutput(stopped) if str(path) == "-" else None
        if self._stream is not None:
            self.path = Path("standard output")
        else:
            super().__init__(path, (".jsonl", ".ndjson"), source)

    def _write_line(self, record: Mapping[str, object]) -> None:
        line = json.dumps(record, allow_nan=False, separators=(",", ":")) + "\n"
        with writing(self.path):
            (self._stream or self._part).write(line.encode("ascii"))
        self._written = True

    def close(self, error: BaseException | None = None) -> None:
        """Close the file, as `FileSink.close`. Standard output stays open."""
        if self._stream is None:
            super().close(error)

    def _finish(self, complete: bool) -> None:
        """Do nothing: every line is written at once."""


class JsonLinesSink(LinesSink):
    """JSON Lines: one object for each frame.

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
        path, source, stopped: see `LinesSink`.
        labels: names of the classes, in the order of `Action.scores`.

    Raises:
        UserError: the output cannot be written there, or is the source itself.
    """

    def __init__(
        self,
        path: str | Path,
        labels: Sequence[str],
        source: Source | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ):
        self._labels = labels
        super().__init__(path, source, stopped)

    def write(
        self, index: int, time: float, people: Sequence[Person], actions: Sequence[Action]
    ) -> None:
        """Add a frame.

        Raises:
            UserError: the file cannot be written, or standard output has been closed.
        """
        self._write_line(
            {
                "frame": int(index),
                "time": round(float(time), 6),
                "people": [_person_record(person) for person in people],
                "actions": [self._action_record(action) for action in actions],
            }
        )

    def _action_record(self, action: Action) -> dict:
        return {
            "people": [int(person) for person in action.people],
            "label": action.label,
            "score": _number(action.score),
            "scores": dict(zip(self._labels, map(_number, action.scores), strict=True)),
        }


class NoticesSink(LinesSink):
    """JSON Lines: one notice for each beginning and each end of an action, see `pipeline.notices`.

    There may be none: then the file is empty.

    Args:
        path, source, stopped: see `LinesSink`.

    Raises:
        UserError: the output cannot be written there, or is the source itself.
    """

    def __init__(
        self,
        path: str | Path,
        source: Source | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ):
        super().__init__(path, source, stopped)
        self._written = True

    def write(self, notice: Notice) -> None:
        """Add a notice.

        Raises:
            UserError: the file cannot be written, or standard output has been closed.
        """
        self._write_line(notice)


class StandardOutput:
    """Standard output without a buffer. It never waits for a reader once the user has ended us.

    Args:
        stopped: whether the user has.

    Raises:
        UserError: standard output is closed.
    """

    def __init__(self, stopped: Callable[[], bool]):
        self._stopped = stopped
        self._descriptor: int | None = None
        try:
            sys.stdout.flush()
            with suppress(UnsupportedOperation):  # it is not a file, as in a notebook
                self._descriptor = sys.stdout.fileno()
        except (AttributeError, ValueError) as error:  # None, or closed
            raise UserError("standard output is closed: name a file") from error

    def write(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            OSError: nobody reads it any more.
            UserError: its reader does not read, and the user has ended us.
        """
        if self._descriptor is None:
            sys.stdout.write(data.decode("ascii"))
            return
        left = memoryview(data)
        while left:
            self._wait(self._descriptor)
            with suppress(BlockingIOError):
                left = left[os.write(self._descriptor, left[:PIECE]) :]

    def _wait(self, descriptor: int) -> None:
        """Wait until a piece can be written without waiting."""
        if sys.platform == "win32":  # where only sockets can be waited for
            return
        while not select.select([], [descriptor], [], PATIENCE)[1]:
            if self._stopped():
                raise UserError("standard output is not being read: the rest of it is lost")


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
        self._saved = monotonic()

    def write(self, time: float, actions: Sequence[Action]) -> None:
        """Add the actions at a time, in seconds, later than the previous one."""
        if self._written:
            self._step = time - self._time
        self._time = time
        self._written = True
        self._events.update(time, actions)
        if monotonic() - self._saved > SAVE_PERIOD:
            with writing(self.path):
                self._save()

    def _finish(self, complete: bool) -> None:
        if self._written:
            self._save()

    def _save(self) -> None:
        """Write all events so far. Those that go on end now."""
        rows = [_event_record(event, self._time + self._step) for event in self._events.log]
        text = StringIO(newline="")
        if self.path.suffix.lower() == ".json":
            json.dump(rows, text, indent=1)
        else:
            writer = csv.DictWriter(text, ("start", "end", "who", "label", "score"))
            writer.writeheader()
            writer.writerows(rows)
        self._part.seek(0)
        self._part.write(text.getvalue().encode())
        self._part.truncate()
        self._saved = monotonic()


def _event_record(event: Event, end: float) -> dict[str, object]:
    """The columns of an event, which ends at `end` if its label is still there."""
    return {
        "start": round(event.start, 3),
        "end": round(end if event.end is None else event.end, 3),
        "who": "+".join(map(str, event.people)),
        "label": printable(event.label),
        "score": round(event.score, 3),
    }
