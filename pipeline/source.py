"""Reading: video files in, upright pictures with their times out."""

import math
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np
from typing_extensions import Self

from models.errors import UserError
from pipeline.losses import Coverage, Losses, is_whole_gif, promised_frames

FORMATS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "asf", "ogg", "mxf", "gif"),
    *("dv", "rm", "ivf", "nut", "wtv", "h264", "hevc", "av1", "obu", "m4v", "yuv4mpegpipe"),
)
"""FFmpeg's names of the accepted containers: those that hold their own video. Left out are
playlists, which open further files and addresses, and text and pictures, which FFmpeg would show
as a video of one frame."""

UNTAGGED = 2
"""FFmpeg's AVCOL_SPC_UNSPECIFIED."""

MAX_MISSING = Fraction(1, 10)
"""Seconds by which a file may end before its header says so. One that ends earlier is truncated."""

MAX_ERRORS = 100
"""Times in a row that reading on may fail before the rest of a file is given up."""

MIN_RATE, MAX_RATE = Fraction(1, 1000), Fraction(1000)
"""Bounds of the frame rate that is believed."""
FINE = Fraction(1, 90_000)
"""Unit of the timestamps in place of one that is not believed."""
MAX_JUMP = Fraction(10)
"""Seconds that a single frame may be ahead of those before and after it."""
MAX_SIDE, MAX_PIXELS = 32_000, 100_000_000
"""Largest pictures: OpenCV counts pixels of a side in 15 bits, and no camera has so many."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture and its time.

    Attributes:
        index: number in the source, from 0; a stride skips numbers.
        time: seconds from the source's start, strictly increasing.
        image: uint8 [H, W, 3], BGR, contiguous, upright, square pixels.
    """

    index: int
    time: float
    image: np.ndarray


class Source(Protocol):
    """What sinks need to know of a source."""

    @property
    def path(self) -> Path | None:
        """The file, which no output may overwrite; None if there is none."""

    @property
    def width(self) -> int:
        """Width of the upright pictures, in pixels."""

    @property
    def height(self) -> int:
        """Height of the upright pictures, in pixels."""

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average."""

    @property
    def time_base(self) -> Fraction:
        """Unit of the timestamps, in seconds."""

    @property
    def start(self) -> Fraction:
        """Timestamp in the file, in seconds, from which `Frame.time` counts."""

    @property
    def has_audio(self) -> bool:
        """Whether there is an audio track."""

    @property
    def max_seconds(self) -> float | None:
        """Time in seconds at which reading ends; None for no limit."""


class VideoFile:
    """The frames of a video file, read once and in order, in constant memory.

    Rotation and mirroring flags are applied, non-square pixels are scaled to square ones, and any
    pixel format becomes 8-bit BGR (high dynamic range is decoded, not tone-mapped). Times are those
    of the file, also at a variable frame rate. Where one is missing or does not increase, it is
    made up from the frame rate.

    A damaged file is read as far as possible, and `problem` then says how many frames are lost. A
    truncated stream without an index and a duration, such as a transport stream, goes unnoticed.

    Args:
        path: the file.
        stride: read every n-th frame only.
        max_seconds: time at which reading ends; None for no limit.
        threads: of the decoder; as many as it likes if None.

    Attributes:
        path: the file.
        width, height: of the upright pictures, in pixels.
        rate: frames a second after the stride, on average (Fraction).
        time_base: unit of the file's timestamps, in seconds (Fraction).
        start: timestamp in the file, in seconds, from which `Frame.time` counts (Fraction).
        duration: seconds to read at most, or None where the file does not say.
        frames: estimated number of frames to read, or None.
        has_audio: whether there is an audio track.
        problem: after the last frame, one line about damage in the file, or None.
        lost: after the last frame, how many could not be read.

    Raises:
        UserError: see `open_source`.

    Example:
        >>> with open_source("walk.mp4") as source:
        ...     for frame in source:
        ...         print(frame.time, frame.image.shape)
    """

    def __init__(
        self,
        path: str | Path,
        stride: int = 1,
        max_seconds: float | None = None,
        threads: int | None = None,
    ):
        if stride < 1:
            raise UserError(f"a stride of {stride} is not possible: use 1 or more")
        if max_seconds is not None and not max_seconds > 0:
            raise UserError(f"{max_seconds} seconds are not possible: use more than 0")
        self.path = Path(path)
        self.max_seconds = max_seconds
        self.problem: str | None = None
        self.lost = 0
        self._unconverted = 0
        self._stride = stride
        self._threads = threads or 0  # which FFmpeg takes for a number of its own choice
        self._container = open_container(self.path)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        self._video = video = _video_stream(self._container, self.path)
        video.thread_type = "AUTO"
        video.codec_context.thread_count = self._threads
        self._audio = audio_stream(self._container)
        self.has_audio = bool(self._container.streams.audio)
        self._end = Fraction(0)

        full_rate = video.average_rate or video.guessed_rate or Fraction(25)
        full_rate = full_rate if MIN_RATE <= full_rate <= MAX_RATE else Fraction(25)
        self.rate = full_rate / self._stride
        self._step = 1 / full_rate
        unit = video.time_base or self._step
        self.time_base = unit if Fraction(1, 10**9) <= unit <= self._step else FINE
        self.start = self._start_time()
        size, format_name = self.path.stat().st_size, self._container.format.name
        promised = promised_frames(video, format_name, size)
        self._losses = Losses(promised, self._step)
        self._coverage = Coverage(self._container, size, promised is not None)
        if format_name == "gif" and not is_whole_gif(self.path.read_bytes()):
            self._losses.note(Fraction(0))

        self._decoded = self._decode()
        self._first = next(self._decoded, None)
        if self._first is None:
            raise UserError(f"{self.path} has no frame that can be read")
        self._size = _square_size(self._first, video.sample_aspect_ratio)
        if max(self._size) > MAX_SIDE or self._size[0] * self._size[1] > MAX_PIXELS:
            width, height = self._size
            raise UserError(f"{self.path} is too large: {width}x{height} pixels")
        self._orientation = _orientation(self._first)
        self.width, self.height = _upright_size(self._size, self._orientation)

        self._expected_end = self._header_duration()
        limits = (_duration(video) or self._expected_end, self.max_seconds)
        self.duration = min((float(x) for x in limits if x is not None), default=None)
        self.frames = self.duration and math.ceil(round(self.duration * self.rate, 6))

    def _start_time(self) -> Fraction:
        starts = [to_seconds(s.start_time, s.time_base) for s in self._streams()]
        return min((start for start in starts if start is not None), default=Fraction(0))

    def _header_duration(self) -> Fraction | None:
        """Seconds to the end of the streams that are read, from the file's header."""
        lengths = [length for length in map(_duration, self._streams()) if length is not None]
        if lengths:
            return max(lengths)
        whole = self._container.duration
        if whole is None or len(self._container.streams) > len(self._streams()):
            return None
        return Fraction(whole, av.time_base)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        index, whole = -1, True
        for index, (time, frame) in enumerate(self._timed()):
            if self.max_seconds is not None and float(time) >= self.max_seconds:
                index, whole = index - 1, False
                break
            if index % self._stride == 0:
                image = self._picture(frame, time)
                if image is not None:
                    yield Frame(index, float(time), image)
        if self._expected_end is not None and self._expected_end - self._end > MAX_MISSING:
            self._losses.missing = round((self._expected_end - self._end) / self._step)
        frames = index + 1 - self._unconverted
        damage = self._losses.describe(frames, whole)
        self.lost = self._losses.lost(frames, whole)
        self.problem = damage and f"{self.path} {damage}"

    def _timed(self) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        """Frames with strictly increasing times, in seconds from `start`."""
        previous: Fraction | None = None
        for stamp, following, frame in self._stamped():
            time = stamp
            if time is not None:
                late = previous is not None and time <= previous
                ahead = time > (previous or 0) + MAX_JUMP
                time = None if late or (ahead and (following or time) < time) else time
            if time is None:
                time = Fraction(0) if previous is None else previous + self._step
            self._losses.note_time(time)
            yield time, frame
            previous = time

    def _stamped(self) -> Iterator[tuple[Fraction | None, Fraction | None, av.VideoFrame]]:
        """Frames, each with its own time in the file and that of the next one, if there are any."""
        held: tuple[Fraction | None, av.VideoFrame] | None = None
        for frame in self._all_decoded():
            stamp = to_seconds(frame.pts, frame.time_base)
            time = None if stamp is None else stamp - self.start
            if held is not None:
                yield held[0], time, held[1]
            held = time, frame
        if held is not None:
            yield held[0], None, held[1]

    def _all_decoded(self) -> Iterator[av.VideoFrame]:
        first, self._first = self._first, None
        if first is not None:
            yield first
        yield from self._decoded

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Every frame that can be decoded. Damage and the end of the file are noted on the way."""
        read = len(self._streams()) == len(self._container.streams)
        for packet in self._packets():
            if read and self._coverage.skipped(packet):
                self._losses.note(self._end)
            if packet is not None:
                self._note_end(packet)
            if packet is None or packet.stream is self._video:
                yield from self._decode_packet(packet)

    def _packets(self) -> Iterator[av.Packet | None]:
        """Packets of all streams that are read, and None to end with."""
        errors = 0
        while errors < MAX_ERRORS:
            packets = self._container.demux(*self._streams())
            while True:
                try:
                    packet = next(packets, None)
                except Exception:  # PyAV raises more than it documents, as for a stream that is new
                    errors += 1
                    self._losses.note(self._end)
                    break
                if packet is None:
                    yield None
                    return
                errors = 0
                yield packet
        yield None

    def _decode_packet(self, packet: av.Packet | None) -> list[av.VideoFrame]:
        if packet is not None and packet.is_corrupt:
            self._losses.note(self._end, errors=1)
            return []
        try:
            frames = self._video.decode(packet)
        except EOFError:  # the decoder has been flushed already
            return []
        except Exception:  # whatever a decoder raises, the file is damaged
            self._losses.note(self._end, errors=1)
            return []
        corrupt = sum(frame.is_corrupt for frame in frames)
        if corrupt:
            self._losses.note(self._end, corrupt=corrupt)
        return frames

    def _note_end(self, packet: av.Packet) -> None:
        begin = to_seconds(packet.pts, packet.time_base)
        if begin is not None:
            end = begin + (packet.duration or 0) * packet.time_base - self.start
            self._end = max(self._end, end)

    def _streams(self) -> list[av.stream.Stream]:
        return [stream for stream in (self._video, self._audio) if stream is not None]

    def _picture(self, frame: av.VideoFrame, time: Fraction) -> np.ndarray | None:
        """Convert a frame to an upright picture of the first one's size: uint8 [H, W, 3], BGR.

        None if it cannot be converted, as one of a size that damage has made up.

        Untagged pictures of 720 lines and more are read as BT.709, as players do. libswscale would
        read all as BT.601.
        """
        untagged = frame.colorspace == UNTAGGED and frame.height >= 720
        width, height = self._size
        try:
            image = frame.to_ndarray(
                format="bgr24",
                width=width,
                height=height,
                src_colorspace="ITU709" if untagged else None,
            )
        except Exception:  # libswscale's errors, and PyAV's own for formats that it does not know
            self._losses.note(time, errors=1)
            self._unconverted += 1
            return None
        return np.ascontiguousarray(_make_upright(image, self._orientation))


def open_source(
    path: str | Path,
    stride: int = 1,
    max_seconds: float | None = None,
    threads: int | None = None,
) -> VideoFile:
    """Open a video.

    Args:
        path: a video file.
        stride: read every n-th frame only.
        max_seconds: time at which reading ends; None for no limit.
        threads: of the decoder; as many as it likes if None.

    Raises:
        UserError: the file does not exist, may not be read, or holds no video, or a number is out
            of range.
    """
    return VideoFile(path, stride, max_seconds, threads)


def audio_stream(container: av.container.InputContainer) -> av.AudioStream | None:
    """The main audio track that can be decoded, or None."""
    readable = [stream for stream in container.streams.audio if stream.codec_context is not None]
    best = container.streams.best("audio")
    return best if best in readable else next(iter(readable), None)


def to_seconds(ticks: int | None, time_base: Fraction | None) -> Fraction | None:
    """Convert a timestamp to seconds; None where it or its unit is missing."""
    return None if ticks is None or time_base is None else ticks * time_base


def _duration(stream: av.stream.Stream) -> Fraction | None:
    """Duration of a stream in seconds, from the file's header, or None."""
    return to_seconds(stream.duration or None, stream.time_base)


def open_container(path: Path) -> av.container.InputContainer:
    """Open a container of one of `FORMATS`.

    Raises:
        UserError: see `open_source`.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UserError(f"{path} is a folder, not a video")
        if not stat.S_ISREG(mode):
            raise UserError(f"{path} is a device or a pipe, not a file: save it as one first")
        # "file:" keeps a colon in a name from being read as a protocol.
        return av.open(f"file:{path}", options={"format_whitelist": ",".join(FORMATS)})
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"no such file: {path}") from error
    except PermissionError as error:
        raise UserError(f"{path} may not be read: check its permissions") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: it is not a video, or damaged") from error


def _video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The main video stream.

    Raises:
        UserError: there is none, or no decoder for it.
    """
    video = container.streams.best("video")
    if (
        not isinstance(video, av.VideoStream)
        or video.disposition & av.stream.Disposition.attached_pic
    ):
        raise UserError(f"{path} has no video in it")
    if video.codec_context is None:
        raise UserError(f"{path} is coded in a way that cannot be read here: convert it first")
    return video


def _square_size(frame: av.VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height with square pixels, scaled up. Aspect ratios beyond 4:1 are ignored."""
    width, height = frame.width, frame.height
    if not aspect or not Fraction(1, 4) <= aspect <= 4:
        return width, height
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def _orientation(frame: av.VideoFrame) -> tuple[bool, bool, bool]:
    """Whether to transpose a picture, then flip it left-right and top-bottom, to make it upright.

    The display matrix [[a, b], [c, d]] maps the picture's (x, y) to (ax + cy, bx + dy)
    (libavutil/display.h, 16.16 fixed point).
    """
    try:
        # PyAV declares motion vectors only.
        data = frame.side_data["DISPLAYMATRIX"]  # type: ignore[typeddict-item]
        (a, b), (c, d) = np.frombuffer(bytes(data), np.int32).reshape(3, 3)[:2, :2]
    except (KeyError, ValueError):  # ValueError: side data of a kind or a size that is not known
        return False, False, False
    return (True, c < 0, b < 0) if abs(b) > abs(a) else (False, a < 0, d < 0)


def _upright_size(size: tuple[int, int], orientation: tuple[bool, bool, bool]) -> tuple[int, int]:
    width, height = size
    return (height, width) if orientation[0] else (width, height)


def _make_upright(image: np.ndarray, orientation: tuple[bool, bool, bool]) -> np.ndarray:
    transpose, mirror, flip = orientation
    if transpose:
        image = cv2.transpose(image)
    if mirror or flip:
        image = cv2.flip(image, -1 if mirror and flip else int(mirror))
    return image
