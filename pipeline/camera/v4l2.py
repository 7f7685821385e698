"""Asking a video device of Linux what it is (V4L2; names and numbers of <linux/videodev2.h>)."""

import errno
import os
import struct
from fcntl import ioctl
from pathlib import Path

VIDIOC_QUERYCAP = 0x80685600
VIDIOC_REQBUFS = 0xC0145608
VIDIOC_G_FMT = 0xC0000000 | (200 + struct.calcsize("P")) << 16 | 0x5604
"""Its structure holds pointers, so that its size differs between machines."""
VIDEO_CAPTURE, VIDEO_CAPTURE_MPLANE, DEVICE_CAPS = 0x1, 0x1000, 0x80000000
CAPTURE, CAPTURE_MPLANE, MMAP = 1, 9, 1


def probe(path: Path) -> tuple[int, int]:
    """Whether a device gives pictures to this program now, and of which size.

    Nothing is switched on and no setting is changed.

    Args:
        path: of the device.

    Returns:
        Width and height in pixels, as it is set at the moment.

    Raises:
        OSError: with `errno` EBUSY where another program has it, ENOTTY where it is no capture
            device, and that of `os.open` where it cannot be opened.
    """
    device = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        kind = _capture_type(device)
        # struct v4l2_format: the type, then, aligned for pointers, width and height
        start = struct.calcsize("P")
        picture = bytearray(struct.pack("I", kind).ljust(200 + start, b"\0"))
        ioctl(device, VIDIOC_G_FMT, picture)
        width, height = struct.unpack_from("II", picture, start)
        # To ask for no buffers is refused where somebody else has some, and changes nothing else.
        ioctl(device, VIDIOC_REQBUFS, bytearray(struct.pack("5I", 0, kind, MMAP, 0, 0)))
    finally:
        os.close(device)
    return width, height


def _capture_type(device: int) -> int:
    """The type of buffer that a capture device fills."""
    answer = bytearray(104)  # struct v4l2_capability
    ioctl(device, VIDIOC_QUERYCAP, answer)
    whole, own = struct.unpack_from("II", answer, 84)
    capabilities = own if whole & DEVICE_CAPS else whole
    if capabilities & VIDEO_CAPTURE:
        return CAPTURE
    if capabilities & VIDEO_CAPTURE_MPLANE:
        return CAPTURE_MPLANE
    raise OSError(errno.ENOTTY, "no capture device")
