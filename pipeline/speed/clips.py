"""Frames to measure on: the bundled clips, or a video of the user's."""

from dataclasses import replace
from pathlib import Path

from models.errors import UserError
from models.files import ROOT
from pipeline.source import Frame, open_source

CLIP = ROOT / "tests" / "data" / "two_people.mp4"
"""1280×720, 30 frames/s; two people from `CLIP_START` on."""
CLIP_START = 1.5

WALKERS = CLIP.with_name("two_walkers.mp4")
"""93 frames, one walker in each half of the picture."""

RATE = 30.0
"""Frame rate of live sources, in frames/s."""


def read(path: Path, start: float = 0.0, seconds: float = 10.0) -> list[Frame]:
    """Read a section of a video.

    Args:
        path: the video.
        start: seconds to skip.
        seconds: length of the section.

    Returns:
        Its frames, with indices and times that count from 0.

    Raises:
        UserError: the file is not a readable video, or has no frame in the section.
    """
    with open_source(path, max_seconds=start + seconds) as source:
        frames = [frame for frame in source if frame.time >= start]
    if not frames:
        raise UserError(f"{path} has no frame between {start:g} and {start + seconds:g} s")
    first = frames[0].time
    return [replace(frame, index=i, time=frame.time - first) for i, frame in enumerate(frames)]
