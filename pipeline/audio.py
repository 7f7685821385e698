"""The sound of a video: brought over from the source into the output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av

from pipeline.source import Source, audio_stream

COPIED_AUDIO = ("aac", "mp3", "mp3float")
"""What every browser and QuickTime play in MP4; other sound is encoded as AAC."""


class AudioTrack:
    """The sound track of a file, brought over piece by piece as the pictures advance."""

    def __init__(self, source: Source, output: av.container.OutputContainer):
        self._output = output
        self._container = av.open(f"file:{source.path}")
        stream = audio_stream(self._container)
        self._start = source.start
        if stream.codec_context.name in COPIED_AUDIO:
            self._stream = output.add_stream_from_template(stream)
            self._resampler = None
            pieces = self._container.demux(stream)
        else:
            rate = stream.rate if stream.rate in av.Codec("aac", "w").audio_rates else 48000
            layout = "mono" if stream.channels == 1 else "stereo"
            self._stream = output.add_stream("aac", rate=rate, layout=layout)
            self._resampler = av.AudioResampler("fltp", layout, rate)
            pieces = self._container.decode(stream)
        self._pieces = self._readable(pieces)
        self._next = next(self._pieces, None)

    def _readable(
        self, pieces: Iterator[av.Packet | av.AudioFrame]
    ) -> Iterator[av.Packet | av.AudioFrame]:
        """The timed pieces up to the first damaged one, with times counted from the start."""
        try:
            for piece in pieces:
                if piece.pts is None:
                    continue
                shift = round(self._start / piece.time_base)
                piece.pts -= shift
                if isinstance(piece, av.Packet) and piece.dts is not None:
                    piece.dts -= shift
                yield piece
        except (av.FFmpegError, OSError):
            return  # the source reports the damage

    def write(self, until: float | None) -> None:
        """Bring over what begins before `until`, in seconds, or all."""
        while self._next is not None:
            if until is not None and self._next.pts * self._next.time_base >= until:
                return
            if self._resampler is None:
                self._next.stream = self._stream
                self._output.mux(self._next)
            else:
                self._encode(self._resampler.resample(self._next))
            self._next = next(self._pieces, None)

    def _encode(self, frames: Sequence[av.AudioFrame | None]) -> None:
        for frame in frames:
            self._output.mux(self._stream.encode(frame))

    def flush(self) -> None:
        """Write what the encoder still holds."""
        if self._resampler is not None:
            self._encode([*self._resampler.resample(None), None])

    def close(self) -> None:
        """Close the source's file."""
        self._container.close()
