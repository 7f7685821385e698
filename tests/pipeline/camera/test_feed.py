import queue
import threading
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from pipeline.camera import feed
from pipeline.camera.feed import ConnectionLost, Feed, Live, fit
from tests.pipeline.camera.watching import SIZE, grey_of, next_frame, until
from tests.pipeline.videos import grey, picture


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


def test_a_lost_connection_is_reported_and_marks_an_interruption(cable, source):
    frames = iter(source)
    next_frame(frames)
    assert not source.was_interrupted()
    cable.put(picture(1, *SIZE), ConnectionLost("has been unplugged"))
    waited = until(frames, lambda frame: source.problem)
    assert "the camera has been unplugged; trying again in 0.02 s" in source.problem
    assert waited[-1] is None, "the picture from before the break is not live any more"
    cable.put(picture(2, *SIZE))
    assert grey_of(next_frame(frames)) == grey(2)
    assert source.problem is None and cable.connections == 2
    assert source.was_interrupted() and not source.was_interrupted()


def test_a_picture_from_before_the_interruption_is_dropped(cable, source):
    frames = iter(source)
    next_frame(frames)
    cable.put(picture(1, *SIZE), ConnectionLost("has ended"), picture(2, *SIZE))
    assert grey_of(next_frame(frames)) == grey(2)
    assert source.was_interrupted()


def test_the_pauses_grow_and_start_small_again(cable, source, monkeypatch):
    monkeypatch.setattr(feed, "MAX_PAUSE", 0.05)
    frames = iter(source)
    next_frame(frames)
    told = []
    for _ in range(4):
        cable.put(ConnectionLost("is away"))
        until(frames, lambda frame: source.problem and source.problem not in told[-1:])
        told.append(source.problem)
        if len(told) >= 3:
            break
    assert [line.split(" in ")[1] for line in told] == ["0.02 s", "0.04 s", "0.05 s"]
    cable.put(picture(1, *SIZE), ConnectionLost("is away"))
    until(frames, lambda frame: source.problem and "0.02" in source.problem)


def test_silence_is_an_interruption_too(cable, source, monkeypatch):
    monkeypatch.setattr(feed, "MAX_SILENCE", 0.05)
    frames = iter(source)
    next_frame(frames)
    until(frames, lambda frame: source.problem)
    assert source.problem == "the camera gives no picture at the moment"
    cable.put(picture(1, *SIZE))
    assert grey_of(next_frame(frames)) == grey(1)
    assert source.was_interrupted()


def test_pictures_of_another_size_are_fitted(cable, source):
    frames = iter(source)
    next_frame(frames)
    cable.put(np.full((48, 32, 3), 200, np.uint8))
    image = next_frame(frames).image
    assert image.shape == (48, 64, 3)
    assert (image[:, 16:48] == 200).all() and not image[:, :16].any() and not image[:, 48:].any()


def test_fit_never_leaves_the_size():
    for shape in ((1, 500, 3), (500, 1, 3), (33, 77, 3)):
        assert fit(np.ones(shape, np.uint8), 64, 48).shape == (48, 64, 3)


def test_an_unexpected_error_is_raised(cable, source):
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
