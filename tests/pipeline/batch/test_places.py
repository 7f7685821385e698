import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from models.errors import UserError
from pipeline.batch import places
from pipeline.batch.videos import find_videos


@pytest.fixture(params=["path", "file://", "memory://"])
def folder(request, tmp_path):
    """A folder here, and elsewhere by fsspec."""
    if request.param == "path":
        return str(tmp_path)
    return tmp_path.as_uri() if request.param == "file://" else f"memory://{tmp_path.name}"


def test_what_is_written_can_be_read_and_removed(folder, tmp_path):
    place = places.join(folder, "deep/a.txt")
    assert places.read(place) is None and not places.exists(place)
    places.remove(place)
    places.write(place, b"one")
    (tmp_path / "two").write_text("two")
    places.publish(tmp_path / "two", place)
    assert places.read(place) == b"two" and places.exists(place)
    with places.fetched(place) as path:
        assert path.read_bytes() == b"two" and path.name == "a.txt"
    places.remove(place)
    assert not places.exists(place)


def test_the_version_of_a_file_changes_with_it(folder):
    place = places.join(folder, "a.txt")
    places.write(place, b"one")
    before = places.version(place)
    assert places.version(place) == before
    places.write(place, b"other")
    assert places.version(place) != before


def test_half_a_file_does_not_appear(monkeypatch, tmp_path):
    def broken(source, target):
        target.write(source.read(2))
        raise KeyboardInterrupt

    (tmp_path / "file").write_text("whole")
    monkeypatch.setattr(places.shutil, "copyfileobj", broken)
    for place in ((tmp_path / "a.txt").as_uri(), "memory://a.txt"):
        with pytest.raises(KeyboardInterrupt):
            places.publish(tmp_path / "file", place)
        assert places.read(place) is None


def test_mistakes_are_told_in_a_line(folder, tmp_path):
    with pytest.raises(UserError), places.fetched(places.join(folder, "none.mp4")):
        pass
    with pytest.raises(UserError):
        places.version(places.join(folder, "none.mp4"))
    with pytest.raises(UserError, match=r"nosuch://a cannot be reached: .*nosuch"):
        places.read("nosuch://a")
    with pytest.raises(UserError, match="name another folder"):
        places.write("http://localhost/a", b"")


def test_videos_are_fetched_from_a_server(tmp_path):
    pytest.importorskip("aiohttp", reason="needs requirements-batch.txt")
    (tmp_path / "a.mp4").write_text("one")
    with ThreadingHTTPServer(("127.0.0.1", 0), Silent(tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            root = f"http://127.0.0.1:{server.server_port}/"
            (video,) = find_videos([root])
            assert (video.name, video.place) == ("a.mp4", f"{root}a.mp4")
            with places.fetched(video.place) as path:
                assert path.read_text() == "one"
            before = places.version(video.place)
            assert places.version(video.place) == before
            (tmp_path / "a.mp4").write_text("other")
            assert places.version(video.place) != before
            with pytest.raises(UserError), places.fetched(f"{root}none.mp4"):
                pass
        finally:
            server.shutdown()


class Silent:
    """Handlers that do not print what they serve."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *arguments):
        kind = type("Handler", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
        return kind(*arguments, directory=self.folder)
