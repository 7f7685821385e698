"""Make the bundled clips from Sports2D's demonstration video (see README.md, next to this).

    python tests/data/make_clips.py Sports2D/Demo/demo.mp4

The clips are written beside this file. Encoders differ between versions, so a clip made again looks
the same and need not have the same bytes.
"""

import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

RATE = 30
SOUND_RATE = 44100
WALKER = (40, 470, 1520, 524)
"""Left, top, width, height of the strip of the lawn that the walker crosses, in the original."""
ORIGIN = "Sports2D 0.8.34 demo video, BSD-3-Clause"


def crop(image: np.ndarray, box: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """Cut a box (left, top, width, height) out and scale it to a size (width, height)."""
    left, top, width, height = box
    return cv2.resize(
        image[top : top + height, left : left + width], size, None, 0, 0, cv2.INTER_AREA
    )


def tone(seconds: float) -> av.AudioFrame:
    """A quiet, steady A (440 Hz)."""
    time = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    wave = (0.05 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(wave[None], "fltp", "mono")
    frame.sample_rate, frame.time_base, frame.pts = SOUND_RATE, Fraction(1, SOUND_RATE), 0
    return frame


def write(path: Path, images: Sequence[np.ndarray], title: str, crf: int, sound: bool) -> None:
    """Write pictures as H.264 in MP4, with a tone if asked for, and say where they came from."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as output:
        output.metadata.update(title=title, comment=ORIGIN)
        options = {"preset": "veryslow", "crf": str(crf)}
        video = output.add_stream("libx264", rate=RATE, options=options)
        video.height, video.width = images[0].shape[:2]
        video.pix_fmt = "yuv420p"
        video.colorspace = video.color_primaries = video.color_trc = video.color_range = 1
        audio = output.add_stream("aac", rate=SOUND_RATE, layout="mono") if sound else None
        if audio is not None:
            audio.bit_rate = 32000
            output.mux(audio.encode(tone(len(images) / RATE)))
            output.mux(audio.encode(None))
        for image in images:
            frame = av.VideoFrame.from_ndarray(image, "bgr24")
            output.mux(video.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
        output.mux(video.encode(None))


def main(demo: str) -> None:
    """Make all clips."""
    folder = Path(__file__).parent
    with av.open(demo) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]

    walk = [crop(frame, WALKER, (1280, 442)) for frame in frames[52:172]]
    write(folder / "walk.mp4", walk, "A person walking (cropped)", 22, sound=True)

    two = [cv2.resize(frame, (1280, 720), None, 0, 0, cv2.INTER_AREA) for frame in frames[2:172]]
    write(folder / "two_people.mp4", two, "Two people (scaled)", 25, sound=False)

    panels = [crop(frame, (40, 470, 1400, 524), (720, 270)) for frame in frames[64:172]]
    both = [
        np.hstack([left, right[:, ::-1]])
        for left, right in zip(panels[:-15], panels[15:], strict=True)
    ]
    title = "Composed: one person twice, once mirrored and half a second ahead"
    write(folder / "two_walkers.mp4", both, title, 23, sound=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
