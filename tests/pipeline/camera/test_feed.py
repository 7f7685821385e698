import queue
import threading
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import cv2
import numpy as np
import pytest

from models.errors import UserError
from pipeline.camera import feed
from pipeline.camera.feed import Feed, Live, Lost, fit, open_live
from pipeline.source import open_source
from tests.pipeline.camera.streams import NetworkCamera, RtspCamera
from tests.pipeline.videos import CLIPS, grey, make_video, picture

SIZE = (64, 48)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(feed, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(feed, "WAITING", 0.01)


class Cable(Feed):
    """A source that gives what the test puts in; `taken` tells that it has been taken."""

    def __init__(self):
        self.inside = queue.Queue()
        self.connections = 0

    def put(self, *items):
        """Pictures, or failures; returns when all have been taken."""
        for item in items:
            self.inside.put(item)
        self.inside.join()

    def connect(self):
        self.connections += 1
        return self

    def __iter__(self):
        while True:
            item = self.inside.get()
            if isinstance(item, Exception):
                self.inside.task_done()
                raise item
            yield item
            self.inside.task_done()  # the one who asked has come back for the next

    def close(self):
        pass


@pytest.fixture
def cable():
    return Cable()


@pytest.fixture
def source(cable):
    cable.inside.put(picture(0, *SIZE))
    with Live(cable.connect, "the camera") as opened:
        yield opened
        opened.stop()
        cable.inside.put(picture(0, *SIZE))


def grey_of(frame):
    return round(frame.image[-4:, -4:].mean())


def until(frames, condition):
    """What came up to the first that meets a condition, that one last."""
    came = []
    for frame in frames:
        came.append(frame)
        if condition(frame):
            return came
    raise AssertionError(f"it ended after {len(came)}")


def next_frame(frames):
    return until(frames, lambda frame: frame is not None)[-1]


def test_only_the_newest_picture_is_given(cable, source):
    frames = iter(source)
    assert next_frame(frames).index == 0
    cable.put(*(picture(i, *SIZE) for i in range(1, 6)))
    assert source.dropped == 4
    newest = next_frame(frames)
    assert newest.index == 5 and grey_of(newest) == grey(5)
    assert next(frames) is None  # and never twice
    cable.put(picture(6, *SIZE))
    assert next_frame(frames).index == 6
    assert source.dropped == 4


def test_times_are_when_pictures_came_and_increase(cable, source):
    frames = iter(source)
    seen = [next_frame(frames)]
    for i in range(1, 5):
        before = source.clock()
        cable.put(picture(i, *SIZE))
        seen.append(next_frame(frames))
        assert before <= seen[-1].time <= source.clock()
    assert all(a.time < b.time for a, b in pairwise(seen))


def test_sinks_find_what_they_need(source):
    assert (source.width, source.height, source.rate) == (*SIZE, Fraction(30))
    assert source.path is None and not source.has_audio and source.max_seconds is None


def test_a_break_is_told_and_the_next_picture_is_marked_as_a_new_beginning(cable, source):
    frames = iter(source)
    next_frame(frames)
    assert not source.was_broken()
    cable.put(picture(1, *SIZE), Lost("has been unplugged"))
    waited = until(frames, lambda frame: source.problem)
    assert "the camera has been unplugged; trying again in 0.02 s" in source.problem
    assert waited[-1] is None, "the picture from before the break is not live any more"
    cable.put(picture(2, *SIZE))
    assert grey_of(next_frame(frames)) == grey(2)
    assert source.problem is None and cable.connections == 2
    assert source.was_broken() and not source.was_broken()


def test_a_picture_nobody_took_before_the_break_is_not_shown_after_it(cable, source):
    frames = iter(source)
    next_frame(frames)
    cable.put(picture(1, *SIZE), Lost("has ended"), picture(2, *SIZE))
    assert grey_of(next_frame(frames)) == grey(2)
    assert source.was_broken()


def test_the_pauses_grow_and_start_small_again(cable, source, monkeypatch):
    monkeypatch.setattr(feed, "LONGEST_PAUSE", 0.05)
    frames = iter(source)
    next_frame(frames)
    told = []
    for _ in range(4):
        cable.put(Lost("is away"))
        until(frames, lambda frame: source.problem and source.problem not in told[-1:])
        told.append(source.problem)
        if len(told) >= 3:
            break
    assert [line.split(" in ")[1] for line in told] == ["0.02 s", "0.04 s", "0.05 s"]
    cable.put(picture(1, *SIZE), Lost("is away"))
    until(frames, lambda frame: source.problem and "0.02" in source.problem)


def test_silence_is_a_break_too(cable, source, monkeypatch):
    monkeypatch.setattr(feed, "SILENCE", 0.05)
    frames = iter(source)
    next_frame(frames)
    until(frames, lambda frame: source.problem)
    assert source.problem == "the camera gives no picture at the moment"
    cable.put(picture(1, *SIZE))
    assert grey_of(next_frame(frames)) == grey(1)
    assert source.was_broken()


def test_pictures_of_another_size_are_made_to_fit(cable, source):
    frames = iter(source)
    next_frame(frames)
    cable.put(np.full((48, 32, 3), 200, np.uint8))
    image = next_frame(frames).image
    assert image.shape == (48, 64, 3)
    assert (image[:, 16:48] == 200).all() and not image[:, :16].any() and not image[:, 48:].any()


def test_fit_never_leaves_the_size():
    for shape in ((1, 500, 3), (500, 1, 3), (33, 77, 3)):
        assert fit(np.ones(shape, np.uint8), 64, 48).shape == (48, 64, 3)


def test_a_fault_of_the_program_is_not_swallowed(cable, source):
    frames = iter(source)
    next_frame(frames)
    cable.put(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        until(frames, lambda frame: False)


def test_stop_ends_it_while_it_waits(cable, source):
    frames = iter(source)
    next_frame(frames)
    threading.Timer(0.05, source.stop).start()
    assert set(frames) == {None}


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


def test_with_no_camera_the_ways_out_are_named(usb):
    with pytest.raises(UserError) as error:
        open_live("0")
    for way in ("camera 0", "plug it in", "--source", "a camera's number", "rtsp://", "folder"):
        assert way in str(error.value)


def test_a_file_comes_at_its_own_pace(tmp_path):
    path = make_video(tmp_path / "a.mp4", frames=12, rate=25)
    with open_source(path) as file:
        pictures = [frame.image for frame in file]
    with open_live(str(path)) as source:
        assert (source.width, source.height, source.rate) == (*SIZE, 25)
        seen = [frame for frame in source if frame is not None]
    assert all((frame.image == pictures[frame.index]).all() for frame in seen)
    assert seen[-1].index == 11 and len(seen) + source.dropped == 12
    assert all(frame.time >= frame.index / 25 - 0.005 for frame in seen)


def test_a_folder_is_shown_in_the_order_of_its_numbers(tmp_path):
    for i in (0, 1, 2, 10, 11):
        cv2.imwrite(str(tmp_path / f"shot{i}.png"), picture(i, *SIZE))
    (tmp_path / "notes.txt").write_text("not a picture")
    with open_live(str(tmp_path)) as source:
        seen = [frame for frame in source if frame is not None]
    names = (0, 1, 2, 10, 11)
    assert [grey_of(frame) for frame in seen] == [grey(names[frame.index]) for frame in seen]
    assert seen[-1].index == 4


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), picture(1, *SIZE))
    (tmp_path / "2.png").write_bytes(b"not a picture")
    with open_live(str(tmp_path)) as source, pytest.raises(UserError, match=r"2\.png cannot be"):
        list(source)


@pytest.mark.parametrize("kind", [NetworkCamera, RtspCamera])
def test_a_network_camera_is_cut_off_and_comes_back(kind):
    with kind(CLIPS / "two_walkers.mp4") as camera, open_live(camera.url) as source:
        assert (source.width, source.height) == (1440, 270)
        frames = iter(source)
        before = next_frame(frames)
        camera.unplug()
        until(frames, lambda frame: frame is None and source.problem)
        assert "trying again" in source.problem
        until(frames, lambda frame: camera.visitors >= 3)  # some tries are in vain
        camera.plug()
        after = next_frame(frames)
        assert after.index > before.index and after.time > before.time
        assert source.was_broken()


def test_a_film_on_a_web_server_keeps_its_pace_and_ends(tmp_path):
    make_video(tmp_path / "a.mp4", frames=12, container_options={"movflags": "+faststart"})
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with open_live(f"http://127.0.0.1:{server.server_port}/a.mp4") as source:
            seen = [frame for frame in source if frame is not None]
        server.shutdown()
    assert seen[-1].index == 11
    assert all(frame.time >= frame.index / 25 - 0.005 for frame in seen)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("nowhere.mp4", "no such file"),
        (str(CLIPS / "README.md"), "not a video"),
        ("file:///etc/passwd", "file:// is not opened"),
        ("concat://a|b", "concat:// is not opened"),
        ("http://127.0.0.1:9/video", "cannot be opened"),
    ],
)
def test_what_cannot_be_opened(source, reason):
    with pytest.raises(UserError, match=reason):
        open_live(source)


def test_an_empty_folder(tmp_path):
    with pytest.raises(UserError, match="has no pictures"):
        open_live(str(tmp_path))


def test_a_password_is_never_shown():
    with pytest.raises(UserError) as error:
        open_live("http://admin:secret@127.0.0.1:9/video")
    assert "secret" not in str(error.value) and "127.0.0.1:9/video" in str(error.value)
