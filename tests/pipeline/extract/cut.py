"""Clips cut from the bundled footage."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from pipeline.source import open_source

CLIPS = Path(__file__).parents[2] / "data"
RATE = 30


def cut(
    source: Path | None,
    path: Path,
    start: float = 0.0,
    stop: float = 1.0,
    width: int = 640,
    dropped: Callable[[int], bool] = lambda number: False,
    mirrored: bool = False,
    images: Sequence[np.ndarray] | None = None,
) -> Path:
    """Write the part of a video between two times, or pictures, without the dropped frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if images is None:
        with open_source(source, max_seconds=stop) as frames:
            images = [frame.image for frame in frames if frame.time >= start - 1e-6]
    height = 2 * round(width * images[0].shape[0] / images[0].shape[1] / 2)
    with av.open(f"file:{path}", "w", format="matroska" if path.suffix == ".mkv" else "mp4") as out:
        video = out.add_stream("libx264", rate=RATE, options={"preset": "superfast", "crf": "20"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        for number, image in enumerate(images):
            if dropped(number):
                continue
            small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            small = np.ascontiguousarray(small[:, ::-1]) if mirrored else small
            frame = av.VideoFrame.from_ndarray(small, "bgr24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path
