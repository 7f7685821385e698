"""What a visitor gets for a video."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Annotation:
    """The results for a video, and how far they are.

    Attributes:
        video, lines, events: MP4, JSON Lines and CSV files. They exist once everything is done.
        done: processed seconds of the video.
        total: its duration in seconds, or None where the file does not say.
        problem: in the end, what was lost of a damaged file, or None.
    """

    video: Path
    lines: Path
    events: Path
    done: float
    total: float | None
    problem: str | None = None
