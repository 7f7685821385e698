"""The audio of a video, copied or encoded again from the source into the output.

Sound never stops the picture: what cannot be read or written of it is left out, and `problem` says
so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeAlias

import av
import numpy as np

from models.part import reason
from pipeline.source import Source, audio_stream, open_container, to_seconds

COPIED_AUDIO = ("aac", "mp3", "mp3float")
"""Codecs that every browser and QuickTime play in MP4. Other audio is encoded as AAC."""

MAX_LATE = Fraction(1)
"""Seconds within which audio must begin: no fragment of the video can be written before. Audio that
begins later is encoded, with silence before it."""
MAX_BACK = Fraction(1, 2)
"""Seconds that times may jump back by before it counts as the beginning of another recording."""
MAX_JUMP = Fraction(10)
"""Seconds that one piece may be ahead of those before and after it, or that the audio may pause
behind the last picture."""
MAX_GAP = Fraction(1, 10)
"""Longest time in seconds without samples that is not filled with silence."""
MAX_SILENCE = Fraction(600)
"""Longest time in seconds that is filled with silence; longer ones stay without samples."""

SILENCE = 4096
"""Most samples in one piece of silence."""

Piece: TypeAlias = "av.Packet[av.AudioStream] | av.AudioFrame"
"""Encoded audio to copy, or decoded audio to encode."""


class AudioError(Exception):
    """The audio cannot be written. The message says why."""


class AudioTrack:
    """The audio track of a file, written piece by piece as the video advances.

    Where the times of the source jump back, as where two recordings were joined, the audio goes on
    without a gap, as the pictures do.

    Args:
        source: a file with audio.
        output: gets the audio stream.
        copy: copy the packets, and do not encode them again.

    Attributes:
        problem: after `close`, what was wrong with the audio, or None.

    Raises:
        AudioError: the audio cannot be read, or not be copied.
    """

    def __init__(self, source: Source, output: av.container.OutputContainer, copy: bool):
        assert source.path is not None  # source.has_audio
        self.problem: str | None = None
        self._shift = -source.start
        self._end = Fraction(0)
        self._written = Fraction(0)
        self._lost = 0
        self._container = open_container(source.path)
        try:
            stream = audio_stream(self._container)
            if stream is None:
                raise AudioError("it is coded in a way that cannot be read here")
            packets = self._demuxed(stream)
            self._pieces = self._timed(packets if copy else self._decoded(stream, packets))
            self._next = next(self._pieces, None)
            if self._next is None:
                raise AudioError("nothing of it can be read")
            begin = self._next[0]
            self._writer = (
                _Copier(stream, output, begin) if copy else _Encoder(stream, output, begin)
            )
        except BaseException:
            self._container.close()
            raise

    def write(self, until: float) -> None:
        """Write what begins before `until`, in seconds."""
        try:
            self._write_pieces(until)
            if self._next is not None:
                self._writer.fill(Fraction(until))
        except Exception as error:  # whatever PyAV raises of sound that is damaged
            self._give_up(error)

    def finish(self, until: float | None) -> None:
        """Write what begins before `until`, in seconds, and what is held back.

        If `until` is None, write everything, up to a long pause behind the last picture.
        """
        try:
            self._write_pieces(until)
            self._writer.flush()
        except Exception as error:  # whatever PyAV raises of sound that is damaged
            self._give_up(error)

    def close(self) -> None:
        """Close the source's file."""
        self._container.close()
        if self._lost and self.problem is None:
            self.problem = f"{self._lost} pieces of the sound could not be read"

    def _write_pieces(self, until: float | None) -> None:
        while self._next is not None:
            time, piece = self._next
            if time >= (self._written + MAX_JUMP if until is None else until):
                return
            self._writer.write(time, piece)
            self._written = time
            self._next = next(self._pieces, None)

    def _give_up(self, error: Exception) -> None:
        self._next = None
        self.problem = f"the sound ends after {float(self._written):.1f} s: {reason(error)}"

    def _demuxed(self, stream: av.AudioStream) -> Iterator[av.Packet[av.AudioStream]]:
        try:
            for packet in self._container.demux(stream):
                if packet.is_corrupt:
                    self._lost += 1
                else:
                    yield packet
        except Exception:  # PyAV raises more than it documents
            self._lost += 1

    def _decoded(
        self, stream: av.AudioStream, packets: Iterable[av.Packet[av.AudioStream]]
    ) -> Iterator[av.AudioFrame]:
        for packet in packets:
            try:
                frames = stream.decode(packet)
            except EOFError:  # the decoder has been flushed already
                return
            except Exception:  # whatever a decoder raises, the audio is damaged
                self._lost += 1
                continue
            yield from frames

    def _timed(self, pieces: Iterable[Piece]) -> Iterator[tuple[Fraction, Piece]]:
        """Pieces with their times in seconds from the start, in increasing order.

        A single one that is far ahead of the others has a wrong time, and is left out.
        """
        ahead: Piece | None = None
        for piece in pieces:
            if isinstance(piece, av.Packet) and not piece.size:
                continue  # it only flushes the decoder
            if ahead is not None:
                if self._time(piece) < self._time(ahead) - MAX_BACK:
                    self._lost += 1
                else:
                    yield self._placed(ahead)
                ahead = None
            if self._time(piece) > self._end + MAX_JUMP:
                ahead = piece
            else:
                yield self._placed(piece)
        if ahead is not None:
            yield self._placed(ahead)

    def _time(self, piece: Piece) -> Fraction:
        """Time of a piece from the start. One without a time follows the last one."""
        time = to_seconds(piece.pts, piece.time_base)
        return self._end if time is None else time + self._shift

    def _placed(self, piece: Piece) -> tuple[Fraction, Piece]:
        """A piece with its time, or behind the last one if its own jumps back."""
        time = self._time(piece)
        if time < self._end - MAX_BACK:
            self._shift += self._end - time
            time = self._end
        self._end = time + _duration(piece)
        return time, piece


class _Copier:
    """Copies packets into a stream of their kind.

    Args:
        stream: of the packets.
        output: gets the stream.
        begin: time of the first packet, in seconds.

    Raises:
        AudioError: they cannot be copied.
    """

    def __init__(
        self, stream: av.AudioStream, output: av.container.OutputContainer, begin: Fraction
    ):
        codec = stream.codec_context
        # Transport streams repeat the header of AAC in every packet, where MP4 has it once.
        headless = codec.name == "aac" and not codec.extradata
        if codec.name not in COPIED_AUDIO or headless or begin > MAX_LATE:
            raise AudioError("it cannot be copied")
        self._output = output
        self._stream = output.add_stream_from_template(stream)
        self._last: int | None = None

    def write(self, time: Fraction, packet: Piece) -> None:
        assert isinstance(packet, av.Packet) and packet.time_base is not None
        stamp = round(time / packet.time_base)
        if self._last is not None:
            stamp = max(stamp, self._last + 1)
        packet.pts = packet.dts = self._last = stamp
        packet.stream = self._stream
        self._output.mux(packet)

    def fill(self, until: Fraction) -> None:
        """Leave the gap: a packet lasts until the next one."""

    def flush(self) -> None:
        """Do nothing: no packet is held back."""


class _Encoder:
    """Encodes frames of any kinds as AAC, one after the other, with silence in the gaps.

    Args:
        stream: of the frames.
        output: gets the stream.
        begin: time of the first frame, in seconds.
    """

    def __init__(
        self, stream: av.AudioStream, output: av.container.OutputContainer, begin: Fraction
    ):
        rates = av.Codec("aac", "w").audio_rates or ()
        self._rate = stream.rate if stream.rate in rates else 48000
        self._layout = "mono" if stream.channels == 1 else "stereo"
        self._output = output
        self._stream = output.add_stream("aac", rate=self._rate, layout=self._layout)
        self._kind: tuple[str, str, int] | None = None
        self._resampler = self._new_resampler()
        self._samples = 0 if begin > MAX_LATE else round(begin * self._rate)
        self._silent = False

    def write(self, time: Fraction, frame: Piece) -> None:
        assert isinstance(frame, av.AudioFrame)
        if self._behind(time) < -MAX_GAP * self._rate:
            return  # its time is over
        self.fill(time)
        self._silent = False
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != self._kind:
            self._encode(self._resampler.resample(None))
            self._kind, self._resampler = kind, self._new_resampler()
        self._encode(self._resampler.resample(frame))

    def fill(self, until: Fraction) -> None:
        """Write silence up to a time if there is a gap before it."""
        missing = self._behind(until)
        if missing > MAX_SILENCE * self._rate:
            self._samples += missing
        elif missing > MAX_GAP * self._rate or (self._silent and missing > 0):
            self._silent = True
            channels = 1 if self._layout == "mono" else 2
            for begin in range(0, missing, SILENCE):
                zeros = np.zeros((channels, min(SILENCE, missing - begin)), np.float32)
                silence = av.AudioFrame.from_ndarray(zeros, "fltp", self._layout)
                silence.sample_rate = self._rate
                self._encode([silence])

    def flush(self) -> None:
        """Write what resampler and encoder still hold back."""
        self._encode(self._resampler.resample(None))
        self._output.mux(self._stream.encode(None))

    def _behind(self, time: Fraction) -> int:
        """Samples that are missing up to a time; negative if there are too many."""
        return round(time * self._rate) - self._samples

    def _new_resampler(self) -> av.AudioResampler:
        return av.AudioResampler("fltp", self._layout, self._rate)

    def _encode(self, frames: Iterable[av.AudioFrame | None]) -> None:
        for frame in frames:
            if frame is None:  # a resampler with nothing to do passes on what flushes it
                continue
            frame.pts, frame.time_base = self._samples, Fraction(1, self._rate)
            self._samples += frame.samples
            self._output.mux(self._stream.encode(frame))


def _duration(piece: Piece) -> Fraction:
    """Duration in seconds; 0 if it is not known."""
    if isinstance(piece, av.Packet):
        return (piece.duration or 0) * (piece.time_base or Fraction(0))
    return Fraction(piece.samples, piece.sample_rate) if piece.sample_rate else Fraction(0)
