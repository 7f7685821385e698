"""Videos of many kinds without any damage, some of them odd: nothing is wrong with them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

from pipeline.source import open_source

CLIP = Path(__file__).parents[1] / "data" / "two_people.mp4"
SIZE = (320, 180)
RATE = 30
FRAMES = 60


@dataclass(frozen=True)
class Kind:
    """How a video is written.

    Attributes:
        suffix: of its name.
        codec, options: of the pictures, and of the encoder.
        audio: its codec; None for a video without sound.
        container: options of the container.
        promises: whether the file itself says how many pictures it has, or how long it lasts.
        pts: the time of a picture, in `clock` ticks, by its number.
        pix_fmt, size, clock: of the pictures.
        audio_rate: samples a second.
    """

    suffix: str
    codec: str = "libx264"
    audio: str | None = "aac"
    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)
    promises: bool = True
    pts: Callable[[int], int] | None = None
    pix_fmt: str = "yuv420p"
    size: tuple[int, int] = SIZE
    clock: int = RATE
    audio_rate: int = 48000


FAST = {"preset": "ultrafast", "g": "12"}
OPEN_GOP = {"preset": "superfast", "g": "12", "bf": "3", "x264-params": "open-gop=1:b-pyramid=2"}
INTERLACED = {"preset": "superfast", "flags": "+ildct+ilme", "x264-params": "tff=1"}
INTRA_REFRESH = {"preset": "superfast", "x264-params": "intra-refresh=1:keyint=20"}
FRAGMENTS = {"movflags": "+frag_keyframe+empty_moov+default_base_moof"}

KINDS = {
    "mp4": Kind(".mp4", options=FAST),
    "index_first": Kind(".mp4", options=FAST, container={"movflags": "+faststart"}),
    "b_frames": Kind(".mp4", options=OPEN_GOP, audio="libmp3lame"),
    "long_gop": Kind(".mp4", options={"preset": "superfast", "g": "600"}, audio=None),
    "fragments": Kind(".mp4", options=FAST, container=FRAGMENTS, promises=False),
    "interlaced": Kind(".mp4", options=INTERLACED, audio=None),
    "intra_refresh": Kind(".mp4", options=INTRA_REFRESH, audio=None),
    "hevc": Kind(".mp4", "libx265", options={"preset": "ultrafast", "x265-params": "log-level=0"}),
    "av1": Kind(".mp4", "libsvtav1", options={"preset": "12", "svtav1-params": "lp=1"}),
    "mov": Kind(".mov", "mjpeg", "pcm_s16le", pix_fmt="yuvj420p"),
    "prores": Kind(".mov", "prores_ks", "pcm_s16le", pix_fmt="yuv422p10le"),
    "three_gp": Kind(".3gp", "mpeg4", None, {"bf": "2"}),
    "matroska": Kind(".mkv", options=OPEN_GOP, audio="flac"),
    "variable": Kind(
        ".mkv",
        options=FAST,
        pts=lambda i: 33 * i + 7 * (i % 3) + 500 * (i // 20),
        clock=1000,
        promises=False,
    ),
    "drops": Kind(".mp4", options=FAST, pts=lambda i: i + i // 7 + 5 * (i // 25)),
    "webm": Kind(".webm", "libvpx-vp9", "libopus", {"deadline": "realtime", "cpu-used": "8"}),
    "webm_altref": Kind(
        ".webm", "libvpx", "libopus", {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}
    ),
    "avi": Kind(".avi", "mpeg4", "libmp3lame", {"bf": "0"}),
    "avi_mjpeg": Kind(".avi", "mjpeg", "pcm_s16le", pix_fmt="yuvj420p"),
    "transport": Kind(".ts", options=OPEN_GOP, promises=False),
    "transport_mpeg2": Kind(".ts", "mpeg2video", "mp2", {"bf": "2"}, promises=False),
    "program": Kind(".mpg", "mpeg2video", "mp2", {"bf": "2"}, promises=False),
    "flash": Kind(".flv", options=FAST),
    "windows": Kind(".wmv", "wmv2", None, promises=False),
    "nut": Kind(".nut", "ffv1", "pcm_s16le", promises=False),
    "gif": Kind(".gif", "gif", None, pix_fmt="rgb8", promises=False, clock=20),
    "raw": Kind(".h264", audio=None, options=FAST, promises=False),
    "odd_size": Kind(".mkv", options=FAST, pix_fmt="yuv444p", size=(319, 179)),
    "slow_sound": Kind(".avi", "mpeg4", "libmp3lame", audio_rate=8000),
}


@cache
def _pictures() -> list[av.VideoFrame]:
    """The first pictures of a bundled clip, small."""
    with av.open(str(CLIP)) as clip:
        frames = clip.decode(video=0)
        return [next(frames).reformat(*SIZE, "rgb24") for _ in range(FRAMES)]


def make(folder: Path, name: str, frames: int = FRAMES) -> Path:
    """Write the video of a kind into a folder, unless it is there already."""
    kind = KINDS[name]
    path = folder / f"{name}{kind.suffix}"
    if path.exists():
        return path
    with av.open(str(path), "w", options=kind.container) as output:
        video = output.add_stream(kind.codec, rate=RATE if kind.clock != 20 else 20)
        video.options = kind.options
        video.width, video.height, video.pix_fmt = *kind.size, kind.pix_fmt
        video.codec_context.time_base = Fraction(1, kind.clock)
        sound = None
        if kind.audio:
            sound = output.add_stream(kind.audio, rate=kind.audio_rate, layout="stereo")
        for index in range(frames):
            frame = _pictures()[index % FRAMES].reformat(*kind.size, kind.pix_fmt)
            frame.pts = kind.pts(index) if kind.pts else index
            frame.time_base = Fraction(1, kind.clock)
            output.mux(video.encode(frame))
            if sound is not None:
                output.mux(sound.encode(_tone(index, kind.audio_rate)))
        output.mux(video.encode(None))
        if sound is not None:
            output.mux(sound.encode(None))
    return path


def frames_in(path: Path) -> tuple[int, str | None]:
    """The number of frames that can be read, and what is said of damage."""
    with open_source(path) as source:
        return sum(1 for _ in source), source.problem


def _tone(index: int, rate: int) -> av.AudioFrame:
    """The sound of a picture."""
    count = rate // RATE
    time = (np.arange(count) + index * count) / rate
    wave = (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None], "s16", "stereo")
    frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), index * count
    return frame
