"""Tell the formats apart, and read any of them."""

from pathlib import Path

from models.data.imports import mediapipe, mmpose, ntu, openpose, table
from models.data.imports.given import Given, read_json
from models.data.recording import Recording
from models.errors import UserError

SUFFIXES = (".skeleton", ".csv", ".json")
"""Of files with skeletons, in lower case."""


def has_skeletons(path: Path) -> bool:
    """Whether a file is one with skeletons, by its name; of OpenPose, a frame."""
    return path.suffix.lower() in SUFFIXES


def parts(path: Path) -> list[Path]:
    """Return the files that a clip consists of: the frames of OpenPose, or the file alone."""
    return openpose.frames_of(path) if openpose.video_of(path) is not None else [path]


def read(path: Path, given: Given = Given()) -> Recording:  # noqa: B008 - it is frozen
    """Read skeletons of any of the formats.

    Args:
        path: the file; of OpenPose, any frame of the video.
        given: what such files do not say.

    Raises:
        UserError: the file cannot be read, is damaged, or has none of the formats.
    """
    if path.suffix.lower() == ".skeleton":
        return ntu.read(path)
    if path.suffix.lower() == ".csv":
        return table.read(path, given)
    if openpose.video_of(path) is not None:
        return openpose.read(path, given)
    content = read_json(path)
    if mmpose.matches(content):
        return mmpose.read(path, content, given)
    if mediapipe.matches(content):
        return mediapipe.read(path, content, given)
    raise UserError(f"{path} has neither MMPose's predictions nor MediaPipe's landmarks in it")
