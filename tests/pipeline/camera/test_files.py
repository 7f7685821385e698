import cv2
import pytest

from models.errors import UserError
from pipeline.camera.sources import open_live
from pipeline.source import open_source
from tests.pipeline.camera.watching import SIZE, grey_of
from tests.pipeline.videos import grey, make_video, picture


def test_a_file_is_played_in_real_time(tmp_path):
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


def test_an_empty_folder(tmp_path):
    with pytest.raises(UserError, match="has no pictures"):
        open_live(str(tmp_path))
