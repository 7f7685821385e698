"""Cameras of this machine that are not there: in a tree like /dev, and in OpenCV."""

import errno
import os
import struct
from types import SimpleNamespace

from pipeline.camera import devices, v4l2
from tests.pipeline.camera.watching import SIZE
from tests.pipeline.videos import picture


class UsbCamera:
    """Stands in for cv2.VideoCapture; `plugged` says which numbers there are."""

    plugged = frozenset()

    def __init__(self, number):
        self.number = number
        self.open = number in self.plugged

    def isOpened(self):
        return self.open

    def get(self, asked):
        return {3: float(SIZE[0]), 4: float(SIZE[1])}.get(asked, 15.0)

    def set(self, *_):
        return True

    def getBackendName(self):
        return "AVFOUNDATION"

    def read(self):
        if self.number not in self.plugged:
            return False, None
        return True, picture(self.number, *SIZE)

    def release(self):
        self.open = False


class DeviceTree:
    """Device files in a folder. Each holds how it answers: its kind, and width and height."""

    def __init__(self, folder, monkeypatch):
        self.devices, self.names = folder / "dev", folder / "names"
        self.devices.mkdir()
        monkeypatch.setattr(devices, "LINUX", True)
        monkeypatch.setattr(devices, "DEVICES", self.devices)
        monkeypatch.setattr(devices, "NAMES", self.names)
        monkeypatch.setattr(v4l2, "ioctl", self.ioctl)
        monkeypatch.setattr(v4l2, "os", SimpleNamespace(**{**vars(os), "open": self.open}))

    def add(self, number, name, kind, width=640, height=480):
        (self.devices / f"video{number}").write_text(f"{kind} {width} {height}")
        (self.names / f"video{number}").mkdir(parents=True)
        (self.names / f"video{number}" / "name").write_text(f"{name}\n")

    def open(self, path, flags):
        """Refuse what the user may not read: root may read anything."""
        if path.exists() and path.read_text().startswith("forbidden"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return os.open(path, flags)

    def ioctl(self, device, request, answer):
        """Answer as the driver of a camera does."""
        kind, width, height = os.pread(device, 64, 0).decode().split()
        if request == v4l2.VIDIOC_QUERYCAP:
            # The whole device has pictures, this one of its files perhaps none.
            own = {"metadata": 0x00A00000, "planes": v4l2.VIDEO_CAPTURE_MPLANE}
            answer[84:92] = struct.pack("II", 0x84A00001, own.get(kind, v4l2.VIDEO_CAPTURE))
        elif request == v4l2.VIDIOC_G_FMT:
            start = len(answer) - 200
            answer[start : start + 8] = struct.pack("II", int(width), int(height))
        elif request == v4l2.VIDIOC_REQBUFS and kind == "busy":
            raise OSError(errno.EBUSY, "Device or resource busy")
