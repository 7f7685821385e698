import os
import shutil
import time
from collections import namedtuple

import pytest

from models.errors import UserError
from pipeline.web import uploads as module
from pipeline.web.quotas import Quotas
from pipeline.web.uploads import Uploads, stored


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / "uploads", tmp_path, Quotas(stored_over_all=1000, spare=0))


def arrive(uploads, size=10):
    """What Gradio does with an upload: a folder by its content, in the one that we name."""
    path = uploads.new_folder() / "abc" / "clip.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(size))
    return path


def test_two_visitors_do_not_share_the_same_file(uploads):
    first, second = arrive(uploads), arrive(uploads)
    assert first != second
    claimed = uploads.claim(first)
    uploads.claim(second)
    uploads.release(claimed)
    assert not first.exists() and second.exists()


def test_what_is_somebodys_is_nobody_elses(uploads):
    path = arrive(uploads)
    uploads.claim(path)
    with pytest.raises(UserError, match=r"clip\.mp4 is not here any more: upload it again"):
        uploads.claim(path)


def test_only_uploads_can_be_claimed(uploads, tmp_path):
    outside = tmp_path / "clip.mp4"
    outside.write_bytes(b"x")
    path = arrive(uploads)
    link = path.with_name("link.mp4")
    link.symlink_to(outside)
    for other in (
        outside,
        path.parent / "none.mp4",
        path.parent,
        path / "../../../../clip.mp4",
        link,
    ):
        with pytest.raises(UserError, match="upload it again"):
            uploads.claim(other)


def test_all_together_have_a_quota(uploads, tmp_path):
    (tmp_path / "result.mp4").write_bytes(bytes(500))
    room = 1000 - stored(tmp_path)
    with pytest.raises(UserError, match="too many videos are kept"), uploads.room_for(room + 1):
        pass
    with uploads.room_for(room - 10):
        with uploads.room_for(10):
            pass
        with pytest.raises(UserError, match="too many videos are kept"), uploads.room_for(11):
            pass
    with uploads.room_for(room):
        pass


def test_a_disk_does_not_fill_up(uploads, monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage(100, 50, 50))
    quotas = Quotas(spare=30)
    with pytest.raises(UserError, match="nearly full"):
        Uploads(tmp_path / "uploads", tmp_path, quotas).check_room(21)
    Uploads(tmp_path / "uploads", tmp_path, quotas).check_room(20)


def test_what_nobody_claims_is_deleted_after_a_while(uploads):
    claimed, left, young = (arrive(uploads) for _ in range(3))
    uploads.claim(claimed)
    for path in (claimed, left):
        for place in (path, path.parent, path.parent.parent):
            os.utime(place, (0, time.time() - 100))
    uploads.drop(50)
    assert [path.exists() for path in (claimed, left, young)] == [True, False, True]


def test_an_upload_that_arrives_is_not_deleted(uploads):
    path = arrive(uploads)
    for place in (path.parent, path.parent.parent):
        os.utime(place, (0, time.time() - 100))
    path.write_bytes(bytes(20))
    uploads.drop(50)
    assert path.exists()


def test_a_folder_that_vanishes_counts_nothing(tmp_path):
    assert stored(tmp_path / "none") == 0
    shutil.rmtree(tmp_path)
    assert stored(tmp_path) == 0
