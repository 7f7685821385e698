import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path

import av
import cv2
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from playwright.sync_api import expect, sync_playwright

from pipeline.events_file import Event
from pipeline.source import open_source
from pipeline.web.timeline import chart
from tests.pipeline.camera.streams import jpegs
from tests.pipeline.videos import CLIPS, make_video

pytestmark = pytest.mark.browser

PROGRAM = Path(__file__).parents[2] / "apps" / "web.py"
WALK = CLIPS / "walk.mp4"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
PATIENCE = 90_000
"""Milliseconds after which a test gives up; nothing takes that long unless it is stuck."""
ALONE = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


class Server:
    """The program, in a process and with a temporary folder of its own."""

    program = (str(PROGRAM),)

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log.txt"
        command = [sys.executable, *self.program, "--port", str(self.port), *arguments]
        environment = {**os.environ, "TMPDIR": str(folder)}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.until(lambda: "Running on" in self.log.read_text())

    def until(self, condition):
        end = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < end and self.process.poll() is None:
            if condition():
                return
            time.sleep(0.1)
        raise AssertionError(f"it did not happen; log: {self.log.read_text()}")

    def made(self):
        """The folders of visitors, each with the folders of what was made for them."""
        root = next(self.folder.glob("actions-*"))
        paths = below(root)
        visitors = [p for p in paths if p.parent == root and re.fullmatch("[0-9a-f]{32}", p.name)]
        return {visitor: [p for p in paths if p.parent == visitor] for visitor in visitors}


def below(folder):
    """All that is in a folder and in those below it, but for what is deleted meanwhile."""
    return [
        Path(place, name)
        for place, folders, files in os.walk(folder)
        for name in (*folders, *files)
    ]


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.process.terminate()
    running.process.wait(30)
    assert not list(running.folder.glob("actions-*"))
    assert not re.search(r"File .*(apps|pipeline|models)/", running.log.read_text())


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """The first second of the walk."""
    path = tmp_path_factory.mktemp("clips") / "short.mp4"
    with av.open(str(WALK)) as before, av.open(str(path), "w") as after:
        video = after.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 640, 220, "yuv420p"
        for index, frame in enumerate(before.decode(video=0)):
            if index == 30:
                break
            frame = frame.reformat(640, 220)
            frame.pts, frame.pict_type = index, 0
            after.mux(video.encode(frame))
        after.mux(video.encode(None))
    return path


@pytest.fixture(scope="module")
def before_camera(tmp_path_factory):
    """Starts Chromium with pictures, as JPEG files, before its camera, again and again."""
    if not BROWSER:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright, ExitStack() as stack:

        def start(pictures):
            camera = tmp_path_factory.mktemp("camera") / "film.mjpeg"
            camera.write_bytes(b"".join(pictures))
            fake = (
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            )
            started = playwright.chromium.launch(executable_path=BROWSER, args=[*ALONE, *fake])
            stack.callback(started.close)
            return started

        yield start


@pytest.fixture(scope="module")
def browser(before_camera):
    """Chromium with the walk before its camera."""
    return before_camera(jpegs(WALK))


@pytest.fixture(scope="module")
def close_browser(before_camera):
    """Chromium with a lens that is covered, and then head and chest of a man before its camera."""
    with open_source(CLIPS / "two_people.mp4", max_seconds=3.3) as clip:
        chest = [cv2.resize(frame.image[20:200, 350:590], (640, 480)) for frame in clip]
    pictures = [np.zeros_like(chest[0])] * 75 + chest
    return before_camera(cv2.imencode(".jpg", image)[1].tobytes() for image in pictures)


@pytest.fixture
def visit(browser, server):
    """Opens the page as a new visitor; whatever it asks for must be on this machine."""
    contexts, asked, complaints = [], set(), []

    def open_page():
        context = browser.new_context()
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.add(httpx.URL(request.url).host))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(server.url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert asked <= {"127.0.0.1", ""}  # pictures that are their own address have no host
    assert not complaints


def upload(page, file):
    page.locator("input[type=file]").first.set_input_files(file)


def recognise(page, file):
    upload(page, file)
    page.locator("video").first.wait_for()
    page.get_by_role("button", name="Recognise actions").click()


def download(page, name):
    with page.expect_download() as begun:
        page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).click()
    return Path(begun.value.path()), begun.value.suggested_filename


def wait_for_result(page):
    expect(page.get_by_text("Frames (JSON Lines)")).to_be_visible(timeout=PATIENCE)


def test_a_clip_becomes_a_video_a_timeline_and_files(visit):
    page = visit()
    recognise(page, WALK)
    shown = "document.querySelector('.progress progress')?.value"
    page.wait_for_function(f"{shown} > 0.1 && {shown} < 1")
    assert not page.get_by_role("button", name="Recognise actions").is_visible()
    wait_for_result(page)

    page.wait_for_function("[...document.querySelectorAll('video')].some(v => v.currentTime > 0.3)")
    bar = page.locator(".timeline .bar", has_text="walk")
    assert bar.count() == 1 and bar.bounding_box()["width"] > 50
    bar.hover()
    tip = bar.evaluate("bar => getComputedStyle(bar, '::after').content")
    assert re.search(r"walk, \d+%, 0:0\d\.\d – 0:0\d\.\d", tip)
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert_apart(marks(page))
        assert len(marks(page)) == 5  # 0 to 4 seconds
    assert page.locator(".events tbody tr", has_text="walk").count() == 1
    assert page.get_by_role("button", name="Recognise actions").is_visible()

    lines, name = download(page, "Frames (JSON Lines)")
    assert name == "walk-actions.jsonl"
    frames = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [frame["frame"] for frame in frames] == list(range(120))
    labels = [action["label"] for frame in frames for action in frame["actions"]]
    assert labels.count("walk") > 0.5 * len(labels)
    video, name = download(page, "Video (MP4)")
    with av.open(str(video)) as container:
        assert name == "walk-actions.mp4" and container.streams.video[0].frames == 120


def marks(page):
    """Left and right ends of the visible marks of the time axis, in pixels."""
    spans = page.locator(".axis span").evaluate_all(
        "marks => marks.map(mark => mark.getBoundingClientRect()).map(b => [b.left, b.right])"
    )
    return [(left, right) for left, right in spans if right > left]


def assert_apart(places):
    assert all(left - right > 4 for (_, right), (left, _) in pairwise(places)), places


def show_chart(page, events, seconds):
    css = (PROGRAM.parent / "web.css").read_text()
    style = f"<style>:root {{ --text-sm: 12px; font: 14px sans-serif; }} {css}</style>"
    page.set_content(style + chart(events, seconds))


@pytest.mark.parametrize("seconds", [0.4, 3.9, 7.9, 47, 119])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_marks_of_the_time_do_not_overlap(browser, width, seconds):
    page = browser.new_page(viewport={"width": width, "height": 300})
    show_chart(page, [Event(0, seconds, "1+2", "walk", 0.9)], seconds)
    shown, all_marks = marks(page), page.locator(".axis span").count()
    page.close()
    assert_apart(shown)
    assert len(shown) == all_marks or width == 390
    assert len(shown) >= min(3, all_marks)  # as many as fit


@pytest.mark.parametrize("start", [0.0, 3.0, 5.9])
def test_the_tip_of_a_bar_stays_on_a_narrow_page(browser, start):
    page = browser.new_page(viewport={"width": 390, "height": 300})
    show_chart(page, [Event(start, 6.0, "1+2", "hand something over", 0.9)], 6.0)
    page.locator(".bar").hover()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_an_example_is_one_click(visit):
    page = visit()
    page.get_by_text("None at hand?").wait_for()
    page.locator(".gallery-item").first.click()
    page.locator(".progress progress[value]").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Recognise actions").wait_for()


def test_cancel_stops_the_work_and_leaves_nothing(visit, server, short):
    page = visit()
    recognise(page, WALK)
    page.locator(".progress progress[value]").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Recognise actions").wait_for()
    server.until(lambda: not any(server.made().values()))
    assert not page.get_by_text("Frames (JSON Lines)").is_visible()
    page.get_by_role("button", name="Recognise actions").click()  # nothing is in its way
    wait_for_result(page)


@pytest.mark.parametrize("named", ["notes.txt", "notes.mp4"])
def test_what_is_not_a_video_is_refused(visit, tmp_path, named):
    (tmp_path / named).write_text("Not a video at all.")
    page = visit()
    upload(page, tmp_path / named)
    if named.endswith(".mp4"):
        page.locator("video").first.wait_for()
        page.get_by_role("button", name="Recognise actions").click()
        message = page.get_by_text("notes.mp4 cannot be read: it is not a video, or damaged")
    else:
        message = page.get_by_text(re.compile("Invalid file type"))
    message.first.wait_for()
    page.get_by_role("button", name="Recognise actions").wait_for()


def test_the_page_says_what_was_lost_of_a_damaged_video(visit, tmp_path):
    whole = make_video(tmp_path / "whole.mp4", 60, codec="mjpeg", pix_fmt="yuvj420p")
    with av.open(str(whole)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(whole.read_bytes())
    for pos, size in packets[20:25]:
        data[pos : pos + size] = bytes(size)
    (tmp_path / "cut.mp4").write_bytes(data)
    page = visit()
    recognise(page, tmp_path / "cut.mp4")
    page.get_by_text("cut.mp4 is damaged: 5 of 60 frames could not be read").first.wait_for()
    wait_for_result(page)


def test_a_video_that_is_too_long_is_refused(visit, tmp_path):
    page = visit()
    recognise(page, make_video(tmp_path / "long.mp4", frames=125, rate=1))
    page.get_by_text("the video is longer than 120 seconds").first.wait_for()
    page.get_by_role("button", name="Recognise actions").wait_for()


def test_two_visitors_wait_for_each_other_and_see_their_own(visit, server, short):
    first, second = visit(), visit()
    second.set_viewport_size({"width": 390, "height": 800})  # results are below the settings there
    recognise(first, WALK)
    recognise(second, short)
    for page in (first, second):
        wait_for_result(page)
        expect(page.locator("#results .timeline, #results video").first).to_be_in_viewport()
    for page, name, count in ((first, "walk", 120), (second, "short", 30)):
        lines, suggested = download(page, "Frames (JSON Lines)")
        assert suggested == f"{name}-actions.jsonl"
        assert len(lines.read_text().splitlines()) == count
    made = server.made()
    assert sum(map(bool, made.values())) == 2
    first.close()
    server.until(lambda: sum(map(bool, server.made().values())) == 1)
    second.locator("video").last.evaluate("video => video.play()")  # the other's is still there


def start_camera(page):
    page.get_by_role("tab", name="Live").click()
    page.get_by_role("button", name="Start the camera").click()
    page.locator(".live img").wait_for()


def test_the_live_tab_shows_what_the_camera_sees(visit, server):
    page = visit()
    start_camera(page)
    person = page.locator(".person.named", has_text="walk").first
    person.wait_for()
    assert re.fullmatch(r"\d+\s+walk\s+\d+%", person.inner_text())
    page.wait_for_function("document.querySelector('.named .meter > span')?.offsetWidth > 20")
    assert not page.locator(".live .hint").is_visible()
    picture = page.locator(".live img")
    first = picture.get_attribute("src")
    page.wait_for_function("first => document.querySelector('.live img').src != first", arg=first)
    jpeg = base64.b64decode(first.partition(",")[2])
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[1] == 640
    orange = (np.abs(image.astype(int) - (0, 159, 230)) < 40).all(axis=2)
    assert orange.sum() > 20  # a left arm or leg
    assert re.search(r"\d+ pictures a second, each \d+ ms old", page.locator(".pace").inner_text())
    # The clip begins again: she is gone, and what she did is still said.
    page.locator(".last tr", has_text=re.compile(r"walk\s*\d+ s ago")).first.wait_for()

    page.get_by_role("button", name="Stop the camera").click()
    picture.wait_for(state="hidden")
    page.close()
    server.until(lambda: not server.made())


def test_the_live_tab_says_what_would_help(close_browser, server):
    page = close_browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(server.url)
    assert not page.locator(".live .hint").is_visible()
    start_camera(page)
    hint = page.locator(".live .hint")
    hint.filter(has_text="uncover the camera").wait_for()
    hint.filter(has_text="Step back: your legs are not in view").wait_for()
    inside, picture = hint.bounding_box(), page.locator(".live img").bounding_box()
    assert picture["y"] < inside["y"] < picture["y"] + picture["height"] - inside["height"]
    unnamed = page.locator(".person.unnamed", has_text="no known action")
    unnamed.wait_for()
    guess = r"\s+[a-z ]+\s+\d+%"  # of which there is none where nothing is likely
    assert re.fullmatch(rf"\d+\s+no known action({guess}){{0,2}}", unnamed.inner_text())
    page.close()


@pytest.mark.parametrize(
    ("name", "what_to_do"),
    [
        ("NotAllowedError", "allow it"),
        ("NotFoundError", "plug one in"),
        ("NotReadableError", "another program uses it"),
        ("AbortError", "Something else"),
    ],
)
def test_a_camera_that_cannot_be_used_is_explained(visit, name, what_to_do):
    page = visit()
    page.evaluate(
        """name => navigator.mediaDevices.getUserMedia =
            async () => { throw new DOMException("Something else", name); }""",
        name,
    )
    page.get_by_role("tab", name="Live").click()
    page.get_by_role("button", name="Start the camera").click()
    page.locator(".says", has_text=what_to_do).wait_for()
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()


def test_the_page_says_what_it_can_and_cannot_do(visit):
    page = visit()
    page.get_by_role("tab", name="About").click()
    expect(page.get_by_text("One person:")).to_be_visible(timeout=PATIENCE)
    text = page.locator("main").inner_text()
    assert "walk" in text and "shake hands" in text and "Limits" in text


def test_every_setting_says_what_it_does(visit):
    page = visit()
    page.get_by_text("Settings").first.click()
    for consequence in ("third of the pictures", "a little slower", "wrong less often"):
        expect(page.get_by_text(consequence).first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_page(browser, server, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 850}, color_scheme=scheme)
    page.goto(server.url)
    for tab in ("Video", "Live", "Teach", "About"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_the_api_is_usable(server, short):
    client = Client(server.url, verbose=False)
    _, video, _, lines, events = client.predict(
        handle_file(short), "fast", 2, "calibrated", api_name="/recognise"
    )
    assert len(Path(lines).read_text().splitlines()) == 30
    assert Path(events).read_text().startswith("start,end,who,label,score")
    with av.open(video) as container:
        assert container.streams.video[0].frames == 30
    client.close()


@pytest.mark.parametrize(
    "place",
    [
        str(PROGRAM),
        str(CLIPS / "two_walkers.mp4"),
        "{folder}/clip.mp4",
        "{root}/../clip.mp4",
        "/etc/passwd",
        "{url}/secret",
    ],
)
def test_nothing_is_opened_by_its_name_or_address(server, short, place):
    asked = []
    shutil.copy(short, server.folder / "clip.mp4")

    class Canary(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

    with HTTPServer(("127.0.0.1", 0), Canary) as canary:
        threading.Thread(target=canary.serve_forever, daemon=True).start()
        place = place.format(
            folder=server.folder,
            root=next(server.folder.glob("actions-*")),
            url=f"http://127.0.0.1:{canary.server_port}",
        )
        # By hand: gradio_client uploads a file of this machine before it names it.
        named = {"path": place, "meta": {"_type": "gradio.FileData"}}
        call = f"{server.url}/gradio_api/call/recognise"
        sent = httpx.post(call, json={"data": [named, "fast", 2, "calibrated"]})
        answer = httpx.get(f"{call}/{sent.json()['event_id']}", timeout=60).text
        canary.shutdown()
    assert "event: error" in answer and "event: complete" not in answer
    assert "cannot be read" not in answer  # that is said of files that were opened
    assert not asked


@pytest.mark.parametrize("place", ["apps/web.py", "README.md", "weights/strl.safetensors"])
def test_only_the_results_folder_is_served(server, place):
    path = PROGRAM.parents[1] / place
    assert httpx.get(f"{server.url}/gradio_api/file={path}").status_code == 403


def test_an_upload_that_is_too_large_is_refused(server):
    files = {"files": ("large.mp4", bytes(210_000_000))}
    answer = httpx.post(f"{server.url}/gradio_api/upload", files=files, timeout=60)
    assert answer.status_code == 413
    root = next(server.folder.glob("actions-*"))
    assert not [path for path in root.rglob("*") if path.is_file() and path.name == "large.mp4"]


def test_a_port_that_is_taken_gets_one_line(server):
    command = [sys.executable, PROGRAM, "--port", str(server.port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{server.port}" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
