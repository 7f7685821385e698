"""Videos to test with: every frame has a grey of its own, so that it can be told by its picture."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CLIPS = Path(__file__).parents[1] / "data"


def grey(index: int) -> int:
    """The grey of a frame."""
    return 30 + 4 * index


def picture(index: int, width: int, height: int) -> np.ndarray:
    """A grey picture with a bright top left quarter: uint8 [H, W, 3]."""
    image = np.full((height, width, 3), grey(index), np.uint8)
    image[: height // 2, : width // 2] = 250
    return image


def make_video(
    path: Path,
    frames: int = 20,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rate: int = 25,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    rotation: float | None = None,
    mirrored: bool = False,
    aspect: Fraction | None = None,
    audio: str | None = None,
    audio_start: float = 0.0,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a video of `frames` pictures, with 0.8 s of a tone coded as `audio` if asked for."""
    with av.open(str(path), "w", options=container_options or {}) as output:
        video = output.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.time_base = video.codec_context.time_base = time_base or Fraction(1, rate)
        if aspect is not None:
            video.codec_context.sample_aspect_ratio = aspect
        if rotation is not None:
            video.set_display_rotation(rotation, hflip=mirrored)
        sound = output.add_stream(audio, rate=48000, layout="stereo") if audio else None
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(index, *size), "bgr24")
            frame.pts = pts[index] if pts is not None else index
            frame.time_base = time_base or Fraction(1, rate)
            output.mux(video.encode(frame))
        if sound is not None:
            output.mux(sound.encode(_tone(audio_start)))
            output.mux(sound.encode(None))
        output.mux(video.encode(None))
    return path


def _tone(start: float) -> av.AudioFrame:
    time = np.arange(round(0.8 * 48000)) / 48000
    wave = (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None], "s16", "stereo")
    frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
    frame.pts = round(start * 48000)
    return frame
