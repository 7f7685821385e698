"""MP4 files that can be played at any moment while they are written.

The part is written in fragments (ISO/IEC 14496-12, section 8.8), each complete in itself. When it
is whole, its packets are copied into an ordinary MP4 with the index in front, which any player
starts before it has read the rest.

FFmpeg never sees an error of the disk, nor Ctrl-C. When writing a header fails it frees its muxer,
and PyAV, which does not know of that, would write the header a second time at the next packet: the
process would crash. So `_Unfailing` takes everything, and keeps the error for `check`.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import av

from models.part import PartFile

FRAGMENT = 1.0
"""Longest duration of a fragment, in seconds."""


class Mp4Part:
    """An MP4 file in fragments: streams are added to `container`, and packets written with `write`.

    Args:
        file: written from its beginning.
        time_base: of the pictures. The file can tell every multiple of it.

    Attributes:
        container: PyAV's container.
    """

    def __init__(self, file: PartFile, time_base: Fraction):
        file.seek(0)
        file.truncate()
        self._time_base = time_base
        self._output = _Unfailing(file)
        options = {
            "movflags": "+empty_moov+delay_moov+default_base_moof",
            "frag_duration": str(round(FRAGMENT * av.time_base)),
            "max_interleave_delta": str(round(FRAGMENT * av.time_base)),
            "movie_timescale": str(_clock(time_base)),
        }
        self.container = av.open(self._output, "w", format="mp4", options=options)

    def check(self) -> None:
        """Raise the first error in writing, if there was one.

        Raises:
            OSError: the file could not be written.
        """
        if self._output.error is not None:
            raise self._output.error

    def close(self) -> None:
        """Write what is still held back, unless the disk has failed."""
        if self._output.error is not None:
            self.abandon()
        else:
            self.container.close()

    def abandon(self) -> None:
        """Write nothing any more. The rest of the file stays as it is."""
        self._output.closed = True  # PyAV then leaves the trailer out
        self.container.close()

    def finish(self, part: PartFile, whole: PartFile) -> None:
        """Copy the packets of the part, which is closed, into an ordinary MP4.

        Args:
            part: the file that was written.
            whole: an empty file.

        Raises:
            OSError: a file cannot be read or written.
        """
        output = _Unfailing(whole)
        options = {"movflags": "+faststart", "movie_timescale": str(_clock(self._time_base))}
        with av.open(f"file:{part.path}") as source:
            target = av.open(
                output,
                "w",
                format="mp4",
                options=options,
                io_open=lambda *_: whole.reader(),  # to move the pictures behind the index
            )
            streams = [target.add_stream_from_template(s, opaque=True) for s in source.streams]
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream_index]
                    target.mux(packet)
                if output.error is not None:
                    break
        output.closed = output.error is not None
        target.close()
        if output.error is not None:
            raise output.error


class _Unfailing:
    """A file whose writing never fails; `error` is the first error, after which nothing is written.

    Args:
        file: written to.
    """

    name = "out.mp4"

    def __init__(self, file: PartFile):
        self._file = file
        self.error: BaseException | None = None
        self.closed = False

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                self._file.write(data)
            except BaseException as error:  # also Ctrl-C, which may come at any moment
                self.error = error
        return len(data)

    def seek(self, offset: int, whence: int) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _clock(time_base: Fraction) -> int:
    """A clock for the whole file, in ticks a second, that can tell every multiple of `time_base`.

    MP4's usual clock counts whole milliseconds, which would shift a first frame that is late.
    """
    ticks = time_base.denominator
    return ticks * ceil(10_000 / ticks)
