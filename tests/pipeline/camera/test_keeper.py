"""The last seconds of a camera, kept as clips."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from models.errors import UserError
from pipeline.camera.keeper import SECONDS, Keeper, label_folder
from pipeline.sink import VideoSink
from pipeline.source import Frame, open_source

RATE = 10


@pytest.fixture
def source():
    return SimpleNamespace(
        width=64, height=48, rate=Fraction(RATE), time_base=Fraction(1, 90_000),
        has_audio=False, start=Fraction(0), max_seconds=None, path=None, name="a camera",
    )  # fmt: skip


def frame(number):
    return Frame(number, number / RATE, np.full((48, 64, 3), 4 * number, np.uint8))


def greys(path):
    with open_source(path) as clip:
        return [round(float(one.image.mean())) for one in clip]


def test_the_last_two_seconds_are_kept_and_then_new_ones(source, tmp_path):
    keeper = Keeper(source, tmp_path / "clips" / "serve")
    keeper.keep()
    assert keeper.saved == []
    for number in range(40):
        keeper.write(frame(number))
    keeper.keep()
    for number in range(40, 45):
        keeper.write(frame(number))
    keeper.keep()
    first, second = keeper.saved
    assert first.parent == second.parent == tmp_path / "clips" / "serve" and first != second
    expected = [4 * number for number in range(40 - 1 - round(SECONDS * RATE), 40)]
    assert np.abs(np.subtract(greys(first), expected)).max() <= 3
    assert len(greys(second)) == 5


def test_nothing_of_before_an_interruption_is_kept(source, tmp_path):
    keeper = Keeper(source, tmp_path)
    keeper.write(frame(0))
    keeper.forget()
    keeper.keep()
    assert keeper.saved == [] and not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot make the folder"):
        Keeper(source, tmp_path / "file" / "serve")


@pytest.mark.parametrize("failure", [UserError("the disk is full"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_clip_that_is_not_whole(monkeypatch, source, tmp_path, failure):
    keeper = Keeper(source, tmp_path)
    for number in range(20):
        keeper.write(frame(number))
    write, written = VideoSink.write, []

    def fail(sink, time, image):
        if len(written) == 10:
            raise failure
        written.append(time)
        write(sink, time, image)

    monkeypatch.setattr(VideoSink, "write", fail)
    with pytest.raises(type(failure)) as raised:
        keeper.keep()
    assert keeper.saved == [] and not list(tmp_path.iterdir())
    assert not getattr(raised.value, "__notes__", [])


def test_labels_are_names_of_folders(tmp_path):
    assert label_folder(tmp_path, "hand stand 🤸") == tmp_path / "hand stand 🤸"
    for label in ("a/b", "..", "a\\b", "two\nlines", ".hidden", ""):
        with pytest.raises(UserError, match="cannot be a folder's name"):
            label_folder(tmp_path, label)
    assert label_folder(tmp_path, "x" * 200).name == "x" * 200
    with pytest.raises(UserError, match="over 200 characters"):
        label_folder(tmp_path, "x" * 201)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is not a folder"):
        label_folder(tmp_path / "file", "wave")
    assert label_folder(Path("new"), "wave") == Path("new/wave")
