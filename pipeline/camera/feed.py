"""Pictures as they happen: the newest of a camera, a stream, a file or a folder, and none older.

A thread takes every picture as it comes and keeps the newest only. What breaks is opened again,
with growing pauses, for as long as somebody looks.
"""

import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import av
import cv2
import numpy as np

from models.errors import UserError
from pipeline.source import Frame, VideoFile

SCHEMES = ("rtsp", "rtsps", "http", "https")
"""Of the addresses that are opened."""
PROTOCOLS = "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto"
"""What a stream may lead FFmpeg to: no files of this machine."""
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
"""Names of the pictures in a folder."""

WAITING = 0.05
"""Seconds after which who waits for a picture is told that there is none yet."""
SILENCE = 2.0
"""Seconds without a picture from which a source counts as broken: more than a window's length."""
TIMEOUT = 5.0
"""Seconds that a stream may take to open, or to give the next packet."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds from one attempt to open a broken source to the next; each pause is twice the last."""


class Lost(Exception):
    """A source cannot be opened, or gives no more pictures; the message says why."""


class Feed(ABC):
    """One connection to a source, whose pictures come at their own pace when iterated over.

    Attributes:
        rate: pictures a second, as it says itself (Fraction).
        endless: whether an end is a failure. If not, it waits to be watched before it begins.
    """

    rate = Fraction(30)
    endless = True

    @abstractmethod
    def __iter__(self) -> Iterator[np.ndarray]:
        """Pictures, uint8 [H, W, 3], BGR.

        Raises:
            Lost: it broke, and may come back.
            UserError: it is damaged for good.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held; it may have been let go of before."""


class Live:
    """The newest picture of a source, while it is new.

    Iterating gives a `Frame`, or None each time that there was none for `WAITING` seconds, so that
    the caller can attend to other things. Sinks take it as they take a `VideoFile`.

    Args:
        connect: opens the source; called again whenever it broke.
        name: of the source, for messages.
        path: the file that it is, which no sink may overwrite.

    Attributes:
        width, height: of all pictures, in pixels: those of the first one.
        rate: pictures a second, as the source says.
        dropped: how many pictures nobody had time for.

    Raises:
        UserError: the source cannot be opened, or gives no picture.
    """

    has_audio = False
    start = Fraction(0)
    time_base = Fraction(1, 90_000)
    duration = frames = max_seconds = None

    def __init__(self, connect: Callable[[], Feed], name: str, path: Path | None = None):
        self.name = name
        self.path = path
        self.dropped = 0
        self._connect = connect
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._newest: Frame | None = None
        self._broken = False
        self._trouble: str | None = None
        self._over = False
        self._failure: Exception | None = None
        self._index = -1
        self._began = self._last = time.monotonic()
        self._open_first()
        self._thread = threading.Thread(target=self._grab, name=name, daemon=True)
        if self._feed.endless:
            self._thread.start()

    def _open_first(self) -> None:
        try:
            self._feed = self._connect()
            self._pictures = iter(self._feed)
            first = next(self._pictures, None)
        except Lost as lost:
            raise UserError(f"{self.name} {lost}") from lost
        if first is None:
            raise UserError(f"{self.name} gives no picture")
        self.rate = self._feed.rate
        self.height, self.width = first.shape[:2]
        self._first = first

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._thread.is_alive():
            self._thread.join(WAITING)

    def stop(self) -> None:
        """End the iteration; safe to call from a signal handler."""
        self._stop.set()

    def clock(self) -> float:
        """Seconds since the source began: the time that `Frame.time` is on."""
        return time.monotonic() - self._began

    @property
    def problem(self) -> str | None:
        """One line on why there is no picture, while there is none."""
        if self._trouble is None and time.monotonic() - self._last > SILENCE:
            return f"{self.name} gives no picture at the moment"
        return self._trouble

    def was_broken(self) -> bool:
        """Whether pictures were missed because the source broke, since this was last asked."""
        with self._changed:
            broken, self._broken = self._broken, False
        return broken

    def __iter__(self) -> Iterator[Frame | None]:
        if not self._feed.endless:
            self._began = self._last = time.monotonic()
            self._thread.start()
        while not self._stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._newest or self._over, WAITING)
                frame, self._newest = self._newest, None
                over = self._over
            if frame is not None or not over:
                yield frame
            elif self._failure is not None:
                raise self._failure
            else:
                return

    def _grab(self) -> None:
        """Keep the newest picture, until the end; what the thread cannot mend, the caller gets."""
        pause = FIRST_PAUSE
        try:
            self._put(self._first)
            while not self._stop.is_set():
                try:
                    for image in self._pictures:
                        if self._stop.is_set():
                            return
                        self._put(image)
                        pause = FIRST_PAUSE
                    if not self._feed.endless:
                        return
                    raise Lost("has ended")
                except Lost as lost:
                    self._feed.close()
                    self._miss(f"{self.name} {lost}; trying again in {pause:g} s")
                    self._stop.wait(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                    self._pictures = self._reopened()
        except Exception as failure:
            self._failure = failure
        finally:
            self._feed.close()
            with self._changed:
                self._over = True
                self._changed.notify()

    def _reopened(self) -> Iterator[np.ndarray]:
        self._feed = self._connect()
        yield from self._feed

    def _put(self, image: np.ndarray) -> None:
        if image.shape[:2] != (self.height, self.width):
            image = fit(image, self.width, self.height)
        with self._changed:
            now = time.monotonic()
            self._broken |= now - self._last > SILENCE
            self._last = now
            self._trouble = None
            self._index += 1
            self.dropped += self._newest is not None
            self._newest = Frame(self._index, now - self._began, image)
            self._changed.notify()

    def _miss(self, trouble: str) -> None:
        with self._changed:
            self._newest = None
            self._broken = True
            self._trouble = trouble


class _Camera(Feed):
    def __init__(self, number: int):
        cv2.setLogLevel(0)  # what goes wrong is said below
        self._capture = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            raise Lost(
                "cannot be opened: plug it in, end the program that uses it, or name another "
                "--source: a camera's number, a video, a folder of pictures, rtsp:// or http://"
            )
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        said = self._capture.get(cv2.CAP_PROP_FPS)
        if said > 0:
            self.rate = Fraction(said).limit_denominator(1001)

    def __iter__(self) -> Iterator[np.ndarray]:
        while True:
            given, image = self._capture.read()
            if not given:
                raise Lost("gives no more pictures")
            yield image

    def close(self) -> None:
        self._capture.release()


class _Stream(Feed):
    """A live stream; one with an end, such as a file on a web server, is shown at its own pace."""

    def __init__(self, address: str):
        options = {
            "protocol_whitelist": PROTOCOLS,
            "rtsp_flags": "prefer_tcp",
            "analyzeduration": "1000000",  # at most one second is spent on finding out what it is
            "flags": "low_delay",
        }
        try:
            self._container = av.open(address, options=options, timeout=TIMEOUT)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise Lost(f"cannot be opened: {_reason(error)}") from error
        self._video = next(iter(self._container.streams.video), None)
        if self._video is None or self._video.codec_context is None:
            self._container.close()
            raise Lost("has no video that can be read")
        self._video.thread_type = "SLICE"  # threads of whole frames would hold pictures back
        self.rate = self._video.average_rate or self._video.guessed_rate or self.rate
        self.endless = self._container.duration is None

    def __iter__(self) -> Iterator[np.ndarray]:
        pace = None if self.endless else Pace()
        try:
            for frame in self._container.decode(self._video):
                if pace is not None and frame.time is not None:
                    pace.wait(frame.time)
                yield frame.to_ndarray(format="bgr24")
        except (av.FFmpegError, OSError) as error:
            raise Lost(f"has broken off: {_reason(error)}") from error

    def close(self) -> None:
        self._container.close()


class _File(Feed):
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
        self._file.close()


class _Folder(Feed):
    """Pictures in the order of the numbers in their names, at `Feed.rate`."""

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
            image = cv2.imread(str(file))
            if image is None:
                raise UserError(f"{file} cannot be read: it is not a picture, or damaged")
            pace.wait(float(index / self.rate))
            yield image

    def close(self) -> None:
        pass


class Pace:
    """Makes a recording come as if it were happening, from its second picture on.

    The first one is looked at when the source is opened, long before anybody watches.
    """

    def __init__(self):
        self._first: float | None = None
        self._began: float | None = None

    def wait(self, due: float) -> None:
        """Sleep until it is time for what is `due` at this second of the recording."""
        if self._first is None:
            self._first = due
            return
        if self._began is None:
            self._began = time.monotonic() - self._first
        time.sleep(max(0.0, self._began + due - time.monotonic()))


def open_live(source: str) -> Live:
    """Open what `--source` names.

    Args:
        source: a camera's number, an address with rtsp:// or http://, a folder of pictures (which
            are shown 30 a second), or a video file. Files come at their own pace, as if live.

    Raises:
        UserError: there is no such source, or it gives no picture.
    """
    if source.isdecimal():
        return Live(lambda: _Camera(int(source)), f"camera {source}")
    scheme, separator, _ = source.partition("://")
    if separator:
        if scheme.lower() not in SCHEMES:
            raise UserError(f"{scheme}:// is not opened: use {', '.join(SCHEMES)}")
        return Live(lambda: _Stream(source), _without_password(source))
    path = Path(source)
    if path.is_dir():
        return Live(lambda: _Folder(path), source)
    return Live(lambda: _File(path), source, path)


def fit(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale a picture to a size, with black rims where its shape is another."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    fitted = np.zeros((height, width, 3), np.uint8)
    fitted[top : top + size[1], left : left + size[0]] = cv2.resize(
        image, size, interpolation=cv2.INTER_AREA
    )
    return fitted


def _numbers(file: Path) -> list[tuple[int, str]]:
    """A key that sorts picture2 before picture10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in _parts(file.name)]


def _parts(name: str) -> list[str]:
    return re.findall(r"[0-9]+|[^0-9]+", name)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _without_password(address: str) -> str:
    """An address that may be shown: without the part that says who asks."""
    return urlsplit(address)._replace(netloc=urlsplit(address).netloc.rpartition("@")[2]).geturl()
