"""The cameras of this machine: which there are, and why one cannot be used."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

LINUX = sys.platform == "linux"
DEVICES = Path("/dev")
NAMES = Path("/sys/class/video4linux")
TRIED = 4
"""Numbers that are tried in OpenCV where the system has no list of cameras: the first ones."""

OTHERS = (
    "name another --source: a camera's number, a video, a folder of pictures, rtsp:// or http://"
)
ABSENT = f"is not there: plug it in, see webcam.py --list-cameras, or {OTHERS}"
FORBIDDEN = (
    "may not be read: add yourself to the group video (sudo usermod -aG video $USER), "
    "and log in again"
)
BUSY = "is in use: end the program that uses it"
NO_CAMERA = "is no camera: webcam.py --list-cameras lists those that are"
CLOSED = f"cannot be opened: plug it in, end the program that uses it, or {OTHERS}"
REASONS = {
    **dict.fromkeys((errno.ENOENT, errno.ENODEV, errno.ENXIO), ABSENT),
    **dict.fromkeys((errno.EACCES, errno.EPERM), FORBIDDEN),
    errno.ENOTTY: NO_CAMERA,
    errno.EBUSY: BUSY,
}


@dataclass(frozen=True)
class Device:
    """A camera.

    Attributes:
        number: in OpenCV.
        path: of the device; empty where the system has none.
        name: as the system has it.
        size: width and height in pixels, as it is set at the moment; None if it cannot be used.
        problem: why it cannot be used and what to do, to follow its name; None if it can.
    """

    number: int
    path: str
    name: str
    size: tuple[int, int] | None
    problem: str | None = None


def find_cameras() -> list[Device]:
    """The cameras of this machine, by number, those that cannot be used at the moment too."""
    if not LINUX:
        return _try_numbers()
    numbers = (path.name.removeprefix("video") for path in DEVICES.glob("video*"))
    found = [examine(number) for number in sorted(int(n) for n in numbers if n.isdecimal())]
    return [device for device in found if device.problem not in (NO_CAMERA, ABSENT)]


def describe(cameras: Sequence[Device]) -> list[str]:
    """One line a camera: number, device, name, and its size or what is wrong with it."""
    rows = [
        (
            str(camera.number),
            camera.path,
            camera.name,
            camera.problem or "×".join(map(str, camera.size or ())),
        )
        for camera in cameras
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def why_closed(number: int) -> str:
    """Why a camera cannot be opened and what to do, to follow its name."""
    return (LINUX and examine(number).problem) or CLOSED


def examine(number: int) -> Device:
    """Ask a device of Linux what it is, without switching it on."""
    from pipeline.camera import v4l2  # other systems lack what it stands on

    path, size, problem = DEVICES / f"video{number}", None, None
    file = NAMES / path.name / "name"  # may be missing in a container that was given the device
    name = file.read_text(errors="replace").strip() if file.exists() else "?"
    try:
        size = v4l2.probe(path)
    except OSError as error:
        problem = REASONS.get(error.errno or 0, CLOSED)
    return Device(number, str(path), name, size, problem)


def _try_numbers() -> list[Device]:
    cv2.setLogLevel(0)  # a number that is nobody's is no error
    found = []
    for number in range(TRIED):
        capture = cv2.VideoCapture(number)
        if capture.isOpened():
            axes = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
            width, height = (round(capture.get(axis)) for axis in axes)
            found.append(Device(number, "", capture.getBackendName(), (width, height)))
        capture.release()
    return found
