import cv2
import pytest

from models.errors import UserError
from pipeline.camera.sources import open_live
from tests.pipeline.camera.watching import SIZE, grey_of, next_frame, until
from tests.pipeline.videos import grey, picture


class UsbCamera:
    """Stands in for cv2.VideoCapture; `plugged` says which numbers there are."""

    plugged = frozenset()

    def __init__(self, number):
        self.number = number
        self.open = number in self.plugged

    def isOpened(self):
        return self.open

    def get(self, _):
        return 15.0

    def set(self, *_):
        return True

    def read(self):
        if self.number not in self.plugged:
            return False, None
        return True, picture(self.number, *SIZE)

    def release(self):
        self.open = False


@pytest.fixture
def usb(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", UsbCamera)
    monkeypatch.setattr(UsbCamera, "plugged", {2})
    return UsbCamera.plugged


def test_a_camera_that_is_unplugged_and_comes_back(usb):
    with open_live("2") as source:
        assert (source.width, source.height, source.rate) == (*SIZE, 15)
        frames = iter(source)
        next_frame(frames)
        usb.clear()
        until(frames, lambda frame: frame is None and source.problem)
        assert "camera 2" in source.problem and "trying again" in source.problem
        usb.add(2)
        assert grey_of(next_frame(frames)) == grey(2)


def test_without_a_camera_the_message_names_alternatives(usb):
    with pytest.raises(UserError) as error:
        open_live("0")
    for way in ("camera 0", "plug it in", "--source", "a camera's number", "rtsp://", "folder"):
        assert way in str(error.value)
