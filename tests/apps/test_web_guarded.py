"""The page against those who mean no good, and those who leave without a word."""

import signal
import socket
import threading
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import sync_playwright

from tests.apps.test_web import ALONE, BROWSER, PATIENCE, Server, below, upload
from tests.pipeline.videos import CLIPS, make_video
from tests.pipeline.web.test_visitors import jpeg, url

pytestmark = pytest.mark.browser

API = "/gradio_api"
SMALL = """
from pipeline.web import visitors
from pipeline.web.quotas import Quotas
quotas = Quotas(visitors=4, live=1, jobs=1, waiting=0, stored=3_000_000, silence=15.0)
visitors.Quotas = lambda: quotas
from apps.cli import run
from apps.web import main
run(main)
"""


class SmallServer(Server):
    """The program with small quotas."""

    program = ("-c", SMALL)


def check_end(server):
    server.process.terminate()
    server.process.wait(30)
    assert not list(server.folder.glob("actions-*"))
    assert "Traceback" not in server.log.read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    check_end(running)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    running = SmallServer(tmp_path_factory.mktemp("small"))
    yield running
    check_end(running)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("clips") / "short.mp4", frames=20)


@pytest.fixture
def browser():
    if not BROWSER:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=BROWSER, args=ALONE)
        yield started
        started.close()


def send(server, file, **settings):
    """Upload a file as a browser does; returns the answer."""
    files = {"files": (file.name, file.read_bytes())}
    return httpx.post(f"{server.url}{API}/upload", files=files, timeout=60, **settings)


def call(server, name, session, data):
    """Call an event, and return all that is said about it, or the answer that refuses it."""
    event = f"{server.url}{API}/call/{name}"
    body = {"data": data} | ({"session_hash": session} if session else {})
    sent = httpx.post(event, json=body, timeout=60)
    if sent.status_code != 200:
        return sent.text
    return httpx.get(f"{event}/{sent.json()['event_id']}", timeout=60).text


def enter(server, session):
    return call(server, "enter", session, [])


def file(path):
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}}


def process(server, sent, **changes):
    """Call what the live tab calls."""
    config = httpx.get(f"{server.url}/config").json()
    number = next(c["id"] for c in config["components"] if c["props"].get("server_fns"))
    body = {"data": sent, "component_id": number, "fn_name": "process", **changes}
    return httpx.post(f"{server.url}{API}/component_server/", json=body, timeout=60)


def job(server, path, session=None, settings=("fast", 2, "calibrated")):
    """Have a video annotated, and return all that is said about it."""
    return call(server, "recognise", session, [file(path), *settings])


def uploads(server):
    """The files that visitors have sent, each in two folders of its own."""
    files = [path for path in below(server.folder) if path.is_file()]
    return [path for path in files if path.relative_to(server.folder).parts[1:-3] == ("uploads",)]


@contextmanager
def heartbeat(server, session):
    """The connection that a page keeps for as long as it is open."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        asked = f"GET {API}/heartbeat/{session} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
        connection.sendall(asked.encode())
        assert connection.recv(12) == b"HTTP/1.1 200"
        yield


@pytest.mark.parametrize(
    "sent",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:{port}"},  # the same machine, but not the same origin
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_another_site_can_neither_read_nor_call_nor_upload(server, short, sent):
    headers = {name: value.format(port=server.port) for name, value in sent.items()}
    answers = [
        httpx.get(f"{server.url}/config", headers=headers),
        httpx.post(f"{server.url}{API}/call/recognise", json={"data": []}, headers=headers),
        httpx.options(
            f"{server.url}{API}/upload",
            headers={**headers, "Access-Control-Request-Method": "POST"},
        ),
        send(server, short, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert all(len(answer.text.splitlines()) == 1 for answer in answers)
    assert not uploads(server)


def test_no_other_origin_is_granted_anything(server):
    own = httpx.get(server.url, headers={"Origin": server.url})
    assert own.status_code == 200
    assert not [name for name in own.headers if name.startswith("access-control-")]


def test_two_visitors_with_the_same_file_have_one_each(server, short):
    with heartbeat(server, "second"):
        with heartbeat(server, "first"):
            first, second = (send(server, short).json()[0] for _ in range(2))
            assert first != second
            for session, path in (("first", first), ("second", second)):
                assert "event: complete" in call(server, "claim", session, [file(path)])
            assert "is not here any more" in job(server, first, "second"), "it is the other's"
        server.until(lambda: len(uploads(server)) == 1)
        assert str(uploads(server)[0]) == second
        assert "event: complete" in job(server, second, "second")
    server.until(lambda: not uploads(server) and not server.made())


def test_one_connection_does_all(server, short):
    """What is set for an upload must not be left to the requests that follow it."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        sent = client.post(f"{API}/upload", files={"files": (short.name, short.read_bytes())})
        assert client.get(f"{API}/file={sent.json()[0]}").content == short.read_bytes()


def test_an_upload_that_is_never_started_goes_with_the_page(server, browser, short):
    page = browser.new_page()
    page.goto(server.url)
    upload(page, short)
    page.locator("video").first.wait_for()
    server.until(lambda: uploads(server) and server.made())
    page.close()
    server.until(lambda: not uploads(server) and not server.made())


@pytest.mark.parametrize(
    "picture",
    [
        *(5, None, [], {}, "", "x", url(b""), url(b"\x89PNG"), url(jpeg()[:300])),
        *(url(jpeg(declared=size)) for size in ((64, 65500), (65500, 65500), (1, 65500), (0, 0))),
    ],
)
def test_a_picture_that_is_none_gets_a_message(server, picture):
    enter(server, "visitor")
    answer = process(server, ["visitor", picture])
    assert answer.status_code == 200
    assert len(answer.json()["error"].splitlines()) == 1


@pytest.mark.parametrize(
    "call",
    [
        *({"component_id": wrong} for wrong in (99_999, "x", [1], None)),
        *({"fn_name": wrong} for wrong in (5, "__class__", "postprocess", None)),
        *({"data": wrong} for wrong in (None, 5, "x", [[["a"]]], {"a": 1})),
    ],
)
def test_a_call_that_is_none_is_no_error_of_ours(server, call):
    answer = process(server, ["visitor", url(jpeg())], **call)
    assert answer.status_code in (404, 422) or answer.json()["error"]


@pytest.mark.parametrize(
    "name", ["call/recognise", "run/recognise", "call/x", "queue/join", "cancel"]
)
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"5", b"null", b"[" * 50_000, b'{"data": []}', b'{"data": "x"}'),
        *(b'{"data": [1, 2, 3, 4]}', b'{"data": [null, "fast", "x", []]}'),
        *(b'{"data": [], "fn_index": 9999}', b'{"data": [], "session_hash": [1]}'),
    ],
)
def test_an_event_that_is_none_is_no_error_of_ours(server, name, body):
    sent = {"Content-Type": "application/json"}
    answer = httpx.post(f"{server.url}{API}/{name}", content=body, headers=sent, timeout=60)
    assert 400 <= answer.status_code < 500


def test_a_choice_that_is_none_is_said(server, short):
    path = send(server, short).json()[0]
    assert "no value of the radio" in job(server, path, settings=("bogus", 2, "calibrated"))
    assert "no value of the slider" in job(server, path, settings=("fast", "x", "calibrated"))


def test_so_many_cameras_jobs_and_visitors(small, short):
    with heartbeat(small, "a"), heartbeat(small, "b"):
        for session in ("a", "b"):
            assert "event: complete" in enter(small, session)
        assert "picture" in process(small, ["a", url(jpeg())]).json()
        assert "1 cameras are watched" in process(small, ["b", url(jpeg())]).json()["error"]

        walks = [send(small, CLIPS / "walk.mp4").json()[0] for _ in range(2)]
        said = []
        first = threading.Thread(target=lambda: said.append(job(small, walks[0], "a")))
        first.start()
        small.until(lambda: any(small.made().values()))
        assert "too many videos are waiting" in job(small, walks[1], "b")
        first.join()
        assert "event: complete" in said[0]

        large = small.folder / "large.mp4"
        large.write_bytes(bytes(4_000_000))
        assert "take more than 3 MB" in job(small, send(small, large).json()[0], "b")


def test_the_page_shows_what_is_too_much(small, browser):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(small.url)
    large = small.folder / "large.mp4"
    large.write_bytes(bytes(4_000_000))
    upload(page, large)
    page.get_by_text("your videos and results take more than 3 MB").first.wait_for()
    page.close()


def test_visitors_who_say_nothing_are_gone(small, short):
    """Callers without a page, and uploads of nobody: as of a browser that has crashed."""
    small.until(lambda: not small.made())
    for number in range(4):
        enter(small, f"silent {number}")
    send(small, short)
    assert len(small.made()) == 4
    path = send(small, short).json()[0]
    assert "too many people are here" in job(small, path)
    small.until(lambda: not small.made() and not uploads(small))
    assert "this visit has ended" in process(small, ["silent 1", url(jpeg())]).json()["error"]
    assert "event: complete" in enter(small, "silent 1")


def test_what_a_crash_leaves_is_gone_at_the_next_start(tmp_path, short):
    killed = Server(tmp_path)
    send(killed, short)
    killed.process.send_signal(signal.SIGKILL)
    killed.process.wait()
    left = list(tmp_path.glob("actions-*"))
    assert left and uploads(killed)
    again = Server(tmp_path)
    assert not left[0].exists()
    check_end(again)
