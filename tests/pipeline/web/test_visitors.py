import base64
import io
import shutil
import threading
import time
from dataclasses import replace

import pytest
from PIL import Image

from models.errors import UserError
from pipeline.web.annotation import Annotation
from pipeline.web.networks import Networks, Settings
from pipeline.web.page import JPEG_URL
from pipeline.web.quotas import Quotas
from pipeline.web.visitors import Visitors
from tests.pipeline.videos import CLIPS, make_video

WALK = CLIPS / "walk.mp4"
QUOTAS = Quotas(spare=0)


@pytest.fixture(scope="module")
def networks():
    return Networks()


@pytest.fixture
def gather(networks, tmp_path):
    """Makes visitors with other quotas."""

    def make(**quotas):
        return Visitors(networks, tmp_path, quotas=replace(QUOTAS, **quotas))

    return make


def uploaded(visitors, video):
    path = visitors.uploads.new_folder() / "abc" / video.name
    path.parent.mkdir(parents=True)
    return shutil.copy(video, path) and path


@pytest.fixture
def short(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("clips") / "short.mp4", frames=20)


def annotate(visitors, session, video):
    return list(visitors.annotate(session, video, Settings()))


def url(picture):
    return JPEG_URL + base64.b64encode(picture).decode()


def jpeg(width=64, height=48, declared=None):
    """A JPEG picture, which may declare another width and height than it has."""
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "JPEG")
    data = bytearray(file.getvalue())
    if declared:
        size = data.index(b"\xff\xc0") + 5
        data[size : size + 4] = declared[1].to_bytes(2, "big") + declared[0].to_bytes(2, "big")
    return bytes(data)


def test_a_visitor_who_leaves_takes_everything_along_and_nothing_else(gather, short, tmp_path):
    visitors = gather()
    videos = {session: uploaded(visitors, short) for session in ("a", "b", "c")}
    results = {session: annotate(visitors, session, videos[session])[-1] for session in ("a", "b")}
    visitors.enter("c").claim(videos["c"])  # uploaded, and never started
    assert isinstance(results["a"], Annotation) and results["a"].video.exists()
    visitors.leave("a")
    visitors.leave("c")
    assert not results["a"].video.exists() and not videos["a"].exists()
    assert not videos["c"].exists()
    assert results["b"].video.exists() and videos["b"].exists()
    visitors.leave("b")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_visitor_who_leaves_while_an_upload_arrives_takes_it_along(gather, short, monkeypatch):
    visitors = gather()
    videos = [uploaded(visitors, short) for _ in range(2)]
    visitor = visitors.enter("a")
    visitor.claim(videos[0])
    monkeypatch.setattr(visitor, "check_stored", lambda: visitors.leave("a"))
    visitor.claim(videos[1])
    assert not any(video.exists() for video in videos)


def test_examples_need_no_upload_and_are_kept(networks, short, tmp_path):
    visitors = Visitors(networks, tmp_path, [short], QUOTAS)
    copy = shutil.copy(short, tmp_path / "example.mp4") and tmp_path / "example.mp4"
    annotate(visitors, "a", copy)
    annotate(visitors, "b", copy)
    visitors.leave("a")
    assert copy.exists()


def test_another_visitors_upload_is_not_annotated(gather, short):
    visitors = gather()
    video = uploaded(visitors, short)
    visitors.enter("a").claim(video)
    with pytest.raises(UserError, match="upload it again"):
        annotate(visitors, "b", video)
    annotate(visitors, "a", video)


def test_a_visitor_may_store_so_much(gather, short):
    size = short.stat().st_size
    visitors = gather(stored=3 * size)
    first, second = uploaded(visitors, short), uploaded(visitors, short)
    visitors.enter("a").claim(first)
    large = uploaded(visitors, short)
    large.write_bytes(bytes(3 * size))
    with pytest.raises(UserError, match="your videos and results take more than"):
        visitors.enter("a").claim(large)
    assert not large.exists() and first.exists(), "what is too much is deleted at once"
    visitors.enter("b").claim(second)  # others have their own


def test_results_that_grow_too_large_end_the_job(gather):
    visitors = gather(stored=WALK.stat().st_size + 20_000)
    video = uploaded(visitors, WALK)
    with pytest.raises(UserError, match="your videos and results take more than"):
        annotate(visitors, "a", video)
    assert video.exists() and not list(visitors.enter("a")._folder.iterdir())


def test_so_many_visitors_may_be_here(gather):
    visitors = gather(visitors=2)
    visitors.enter("a")
    visitors.enter("b")
    visitors.enter("a")
    with pytest.raises(UserError, match="too many people are here"):
        visitors.enter("c")
    visitors.leave("a")
    visitors.enter("c")


@pytest.mark.parametrize("session", ["", "x" * 65])
def test_a_name_has_a_length(gather, session):
    with pytest.raises(UserError, match="no session's name"):
        gather().enter(session)


def test_so_many_cameras_may_be_watched(gather):
    visitors = gather(live=2, live_silence=0.0)
    for session in ("a", "b", "c"):
        visitors.enter(session)
    for session in ("a", "b", "a"):
        visitors.process([session, url(jpeg())])
    with pytest.raises(UserError, match="2 cameras are watched already"):
        visitors.process(["c", url(jpeg())])
    visitors.drop_silent()  # the others send no pictures any more
    visitors.process(["c", url(jpeg())])


def test_visitors_share_threads_and_networks(gather):
    visitors = gather()
    visitors.enter("warm up")
    visitors.process(["warm up", url(jpeg())])
    before = threading.active_count()
    for session in map(str, range(20)):
        visitors.enter(session)
        visitors.process([session, url(jpeg())])
    assert threading.active_count() <= before + 1  # the second of the detectors' threads


@pytest.mark.parametrize(
    "sent",
    [
        *(
            None,
            5,
            "x",
            {},
            [],
            ["a"],
            ["a", 5],
            [5, "x"],
            [["a"], "x"],
            ["a", None],
            ["a", "x", "y"],
        ),
        *(["a", "x"], ["a", url(b"")], ["a", url(b"\x89PNG")], ["a", url(jpeg()[:200])]),
        *(["a", url(jpeg(declared=size))] for size in ((64, 65500), (65500, 65500), (64, 0))),
        ["nobody", url(jpeg())],
    ],
)
def test_whatever_is_no_picture_of_a_visitor_is_said(gather, sent):
    visitors = gather()
    visitors.enter("a")
    with pytest.raises(UserError) as said:
        visitors.process(sent)
    assert len(str(said.value).splitlines()) == 1


def test_pictures_of_one_camera_do_not_pile_up(gather, networks):
    visitors = gather()
    visitors.enter("a")
    visitors.process(["a", url(jpeg())])
    said = []

    def send():
        try:
            visitors.process(["a", url(jpeg())])
        except UserError as error:
            said.append(str(error))

    with networks._busy:  # as if somebody else's picture took long
        threads = [threading.Thread(target=send) for _ in range(10)]
        for thread in threads:
            thread.start()
        until(lambda: len(said) == 8)
    for thread in threads:
        thread.join()
    assert set(said) == {"one picture at a time: others are still being processed"}


def test_a_silent_visitor_is_gone_and_a_connected_one_is_not(gather, short):
    visitors = gather(silence=0.2, live_silence=0.2)
    with visitors, visitors.connected("here"):
        videos = {session: uploaded(visitors, short) for session in ("here", "gone", "nobody's")}
        for session in ("here", "gone"):
            visitors.enter(session).claim(videos[session])
        until(lambda: not videos["gone"].exists() and not videos["nobody's"].exists())
        assert visitors.find("here") and videos["here"].exists()
        with pytest.raises(UserError, match="this visit has ended"):
            visitors.find("gone")
    assert not videos["here"].exists(), "nobody outlives the page"


def test_a_visitor_is_here_for_a_while_after_the_connection_ends(gather):
    visitors = gather(silence=50.0)
    with visitors.connected("a"), visitors.connected("a"):
        visitors.enter("a").seen -= 100
        visitors.drop_silent()
    visitors.drop_silent()
    visitors.find("a").seen -= 100
    visitors.drop_silent()
    with pytest.raises(UserError):
        visitors.find("a")


def test_a_visitor_who_leaves_ends_what_waits_and_runs(gather, short, tmp_path):
    visitors = gather()
    running = visitors.annotate("a", uploaded(visitors, short), Settings())
    next(running)
    waiting = visitors.annotate("b", uploaded(visitors, short), Settings())
    assert next(waiting) == 1
    for session, job in (("a", running), ("b", waiting)):
        visitors.leave(session)
        with pytest.raises(UserError, match="this visit has ended"):
            list(job)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
