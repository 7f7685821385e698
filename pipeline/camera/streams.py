"""Streams of cameras on the network."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import av
import numpy as np

from models.errors import UserError
from pipeline.camera.feed import ConnectionLost, Feed
from pipeline.camera.pace import Pace

PROTOCOLS = "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto"
"""Protocols that FFmpeg may follow from a stream: none reads files of this machine."""
TIMEOUT = 5.0
"""Seconds that a stream may take to open, or to deliver the next packet."""


class Stream(Feed):
    """A live stream. One with an end, such as a file on a web server, is played in real time."""

    def __init__(self, address: str):
        options = {
            "protocol_whitelist": PROTOCOLS,
            "rtsp_flags": "prefer_tcp",
            "analyzeduration": "1000000",  # microseconds to find out the format
            "flags": "low_delay",
        }
        try:
            self._container = av.open(address, options=options, timeout=TIMEOUT)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise ConnectionLost(f"cannot be opened: {_reason(error)}") from error
        video = next(iter(self._container.streams.video), None)
        if video is None or video.codec_context is None:
            self._container.close()
            raise ConnectionLost("has no video that can be read")
        self._video = video
        self._video.thread_type = "SLICE"  # threads for whole frames would delay pictures
        self.rate = self._video.average_rate or self._video.guessed_rate or self.rate
        self.endless = self._container.duration is None

    def __iter__(self) -> Iterator[np.ndarray]:
        pace = None if self.endless else Pace()
        try:
            for frame in self._container.decode(self._video):
                if pace is not None and frame.time is not None:
                    pace.wait(frame.time)
                yield frame.to_ndarray(format="bgr24")
        except Exception as error:  # whatever a decoder raises, the stream is damaged
            raise ConnectionLost(f"has broken off: {_reason(error)}") from error

    def close(self) -> None:
        """Close the connection."""
        self._container.close()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def without_password(address: str) -> str:
    """An address without user name and password, for messages.

    Raises:
        UserError: it is not an address.
    """
    try:
        parts = urlsplit(address)
        _ = parts.port  # a wrong one is found only if it is asked for
    except ValueError as error:
        raise UserError(f"the address of the source is not complete: {error}") from error
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
