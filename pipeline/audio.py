"""The audio of a video, copied or re-encoded from the source into the output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

import av

from pipeline.source import Source, audio_stream

COPIED_AUDIO = ("aac", "mp3", "mp3float")
"""Codecs that every browser and QuickTime play in MP4. Other audio is encoded as AAC."""


Piece: TypeAlias = "av.Packet[av.AudioStream] | av.AudioFrame"
"""Encoded audio to copy, or decoded audio to encode."""


class AudioTrack:
    """The audio track of a file, written piece by piece as the video advances.

    Args:
        source: a file with audio.
        output: gets the audio stream.
    """

    def __init__(self, source: Source, output: av.container.OutputContainer):
        self._output = output
        self._container = av.open(f"file:{source.path}")
        stream = audio_stream(self._container)
        assert stream is not None  # source.has_audio
        self._start = source.start
        self._resampler: av.AudioResampler | None = None
        pieces: Iterator[Piece]
        if stream.codec_context.name in COPIED_AUDIO:
            self._stream = output.add_stream_from_template(stream)
            pieces = self._container.demux(stream)
        else:
            rate = stream.rate if stream.rate in (av.Codec("aac", "w").audio_rates or ()) else 48000
            layout = "mono" if stream.channels == 1 else "stereo"
            self._stream = output.add_stream("aac", rate=rate, layout=layout)
            self._resampler = av.AudioResampler("fltp", layout, rate)
            pieces = self._container.decode(stream)
        self._pieces = self._readable(pieces)
        self._next = next(self._pieces, None)

    def _readable(self, pieces: Iterator[Piece]) -> Iterator[tuple[Fraction, Piece]]:
        """Pieces with a timestamp, up to the first damaged one, and their times from the start."""
        try:
            for piece in pieces:
                if piece.pts is None or piece.time_base is None:
                    continue
                shift = round(self._start / piece.time_base)
                piece.pts -= shift
                if isinstance(piece, av.Packet) and piece.dts is not None:
                    piece.dts -= shift
                yield piece.pts * piece.time_base, piece
        except (av.FFmpegError, OSError):
            return  # the source reports damage

    def write(self, until: float | None) -> None:
        """Write what begins before `until`, in seconds, or everything if None."""
        while self._next is not None:
            time, piece = self._next
            if until is not None and time >= until:
                return
            if isinstance(piece, av.Packet):
                piece.stream = self._stream
                self._output.mux(piece)
            elif self._resampler is not None:
                self._encode(self._resampler.resample(piece))
            self._next = next(self._pieces, None)

    def _encode(self, frames: Sequence[av.AudioFrame | None]) -> None:
        for frame in frames:
            self._output.mux(self._stream.encode(frame))

    def flush(self) -> None:
        """Write what the encoder still holds back."""
        if self._resampler is not None:
            self._encode([*self._resampler.resample(None), None])

    def close(self) -> None:
        """Close the source's file."""
        self._container.close()
