import cv2
import pytest

from models.errors import UserError
from pipeline.camera import devices
from pipeline.camera.devices import describe, find_cameras
from pipeline.camera.sources import open_live
from tests.pipeline.camera.usb import DeviceTree, UsbCamera
from tests.pipeline.camera.watching import SIZE, grey_of, next_frame, until
from tests.pipeline.videos import grey


@pytest.fixture
def usb(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", UsbCamera)
    monkeypatch.setattr(UsbCamera, "plugged", {2})
    return UsbCamera.plugged


@pytest.fixture
def tree(usb, tmp_path, monkeypatch):
    return DeviceTree(tmp_path, monkeypatch)


def test_a_camera_that_is_unplugged_and_comes_back(usb, tree):
    with open_live("2") as source:
        assert (source.width, source.height, source.rate) == (*SIZE, 15)
        frames = iter(source)
        next_frame(frames)
        usb.clear()
        until(frames, lambda frame: frame is None and source.problem)
        assert "camera 2" in source.problem and "trying again" in source.problem
        usb.add(2)
        assert grey_of(next_frame(frames)) == grey(2)


def reason(source):
    with pytest.raises(UserError) as error:
        open_live(source)
    return str(error.value)


@pytest.mark.parametrize("linux", [True, False])
def test_without_a_camera_the_message_names_alternatives(tree, monkeypatch, linux):
    monkeypatch.setattr(devices, "LINUX", linux)
    for way in ("camera 0", "plug it in", "--source", "a camera's number", "rtsp://", "folder"):
        assert way in reason("0")


@pytest.mark.parametrize(
    ("kind", "what_to_do"),
    [
        ("busy", "camera 7 is in use: end the program that uses it"),
        ("forbidden", "camera 7 may not be read: add yourself to the group video"),
        ("metadata", "camera 7 is no camera: webcam.py --list-cameras"),
        ("camera", "camera 7 cannot be opened: plug it in"),
    ],
)
def test_it_says_why_a_camera_cannot_be_opened(tree, kind, what_to_do):
    tree.add(7, "Desk", kind)
    assert reason("7").startswith(what_to_do)


def test_a_file_that_is_no_device_is_no_camera(tree, monkeypatch):
    tree.add(7, "Desk", "camera")
    monkeypatch.undo()
    monkeypatch.setattr(devices, "DEVICES", tree.devices)
    assert devices.examine(7).problem == devices.NO_CAMERA


def test_the_cameras_are_listed_in_order_and_other_devices_are_not(tree):
    tree.add(10, "Far", "planes", 1920, 1080)
    tree.add(0, "Integrated Camera", "camera", 1280, 720)
    tree.add(1, "Integrated Camera", "metadata")
    tree.add(2, "Desk", "busy")
    tree.add(3, "Door", "forbidden")
    (tree.devices / "video-control").touch()
    dev = tree.devices
    assert describe(find_cameras()) == [
        f"0   {dev}/video0   Integrated Camera  1280×720",
        f"2   {dev}/video2   Desk               {devices.BUSY}",
        f"3   {dev}/video3   Door               {devices.FORBIDDEN}",
        f"10  {dev}/video10  Far                1920×1080",
    ]


def test_none_are_listed_where_there_are_none(tree):
    assert describe(find_cameras()) == []


def test_a_device_without_a_name_is_listed(tree):
    tree.add(0, "", "camera")
    (tree.names / "video0" / "name").unlink()
    assert describe(find_cameras()) == [f"0  {tree.devices}/video0  ?  640×480"]


def test_elsewhere_numbers_are_tried(tree, monkeypatch):
    monkeypatch.setattr(devices, "LINUX", False)
    assert describe(find_cameras()) == ["2    AVFOUNDATION  64×48"]
