"""The teach tab in Chromium: two actions are shown to the camera, by keyboard alone, and taught."""

import re
from contextlib import ExitStack, suppress

import cv2
import numpy as np
import pytest
from playwright.sync_api import TimeoutError, expect, sync_playwright

from pipeline.source import open_source
from tests.apps.test_web import ALONE, BROWSER, PATIENCE, Server
from tests.models.training.teaching.tiny import tiny_base
from tests.pipeline.videos import CLIPS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not BROWSER, reason="there is no Chromium on this machine"),
]

BARS = {"walk": (255, 0, 0), "jump": (0, 0, 255)}
"""Colour, BGR, of the bar above the pictures of a scene, by which the test knows it."""
SEEN = """bar => {
    const image = document.querySelector(".teach .view img");
    if (!image?.naturalWidth || !image.offsetWidth) return false;
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.drawImage(image, 4, 2, 8, 4, 0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data[bar] > 128;
}"""
"""Whether the picture has a bar of a colour: 0 is red, 2 is blue."""


def film():
    """Four seconds of somebody who walks, and four of somebody who jumps, each below its bar."""
    for scene, name, start, end in (("walk", "walk", 0.2, 3.8), ("jump", "two_people", 0.0, 1.3)):
        with open_source(CLIPS / f"{name}.mp4") as source:
            images = [frame.image for frame in source if start <= frame.time < end]
        if scene == "jump":  # there and back again
            images = (images + images[::-1]) * 2
        for image in images[:110]:
            picture = np.full((300, 480, 3), BARS[scene], np.uint8)
            picture[20:290] = cv2.resize(image, (480, 270))
            yield cv2.imencode(".jpg", picture)[1].tobytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("teach")


@pytest.fixture(scope="module")
def server(place):
    running = Server(place, "--weights", str(tiny_base(place / "base.safetensors")))
    yield running
    running.process.terminate()
    running.process.wait(30)
    assert not list(place.glob("actions-*"))
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def browser(place):
    with sync_playwright() as playwright, ExitStack() as stack:
        camera = place / "film.mjpeg"
        camera.write_bytes(b"".join(film()))
        started = playwright.chromium.launch(
            executable_path=BROWSER,
            args=[
                *ALONE,
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )
        stack.callback(started.close)
        yield started


@pytest.fixture
def visit(browser, server):
    contexts = []

    def open_tab(**options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(server.url)
        page.get_by_role("tab", name="Teach").focus()
        page.keyboard.press("Enter")
        page.get_by_label("Its name").wait_for()
        return page

    yield open_tab
    for context in contexts:
        context.close()


def press(page, name):
    page.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def record(page, label, bar, takes, key):
    """Record takes of a scene by a key that is held, until there are so many."""
    page.get_by_label("Its name").fill(label)
    page.get_by_role("button", name="Hold to record").focus()
    drawings = page.locator(".card", has_text=label).locator("li svg")
    while (before := drawings.count()) < takes:
        page.wait_for_function(SEEN, arg=bar)
        page.keyboard.down(key)
        page.wait_for_timeout(1500)
        page.keyboard.up(key)
        with suppress(TimeoutError):  # it was not kept, as where the machine is slow
            drawings.nth(before).wait_for(timeout=5000)


def test_two_actions_are_shown_taught_and_named_by_keyboard_alone(visit, server):
    page, other = visit(), visit()
    press(page, "Start the camera")
    page.locator(".teach .view img").wait_for()
    record(page, "stroll", 2, 2, "Space")
    record(page, "leap", 0, 2, "Enter")
    assert page.locator(".card").count() == 2 and other.locator(".card").count() == 0
    taken = page.locator(".card li svg").count()

    press(page, "Teach")
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    summary = page.locator(".teach .summary", has_text="of the clips are recognised")
    summary.wait_for()
    assert re.search(r"\d of \d; of many more, probably \d+% to \d+%", summary.inner_text())
    expect(page.locator(".teach .taught")).to_have_text("The camera above names: leap, stroll.")
    guessed = page.locator(".teach .person", has_text=re.compile("stroll|leap"))
    guessed.first.wait_for()

    with page.expect_download() as begun:
        press(page, "Download the weights")
    weights = begun.value.path()
    assert begun.value.suggested_filename == "my_actions.safetensors"
    with page.expect_download() as begun:
        press(page, "Download the takes")
    takes = server.folder / "my_actions.pkl"
    begun.value.save_as(takes)

    page.get_by_role("button", name=re.compile("^Throw away take 1 of stroll")).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".card li svg")).to_have_count(taken - 1)
    press(page, "Throw leap away")
    expect(page.locator(".card")).to_have_count(1)

    assert weights.stat().st_size > 1000 and other.locator(".card").count() == 0
    other.locator(".teach .load").set_input_files(takes)
    expect(other.locator(".card li svg")).to_have_count(taken, timeout=PATIENCE)
    expect(page.locator(".card")).to_have_count(1)
    page.close()
    other.close()
    server.until(lambda: not server.made())


def test_takes_are_recorded_hands_free_and_stopped(visit):
    page = visit()
    page.get_by_label("Its name").fill("wave")
    press(page, "Start the camera")
    page.locator(".teach .view img").wait_for()
    page.get_by_label("Seconds of a take").fill("1")
    press(page, "Record hands-free")
    page.locator(".teach .said", has_text="Take 1 of 3 in 3").wait_for()
    page.locator(".teach .count", has_text=re.compile(r"^\d$")).wait_for()
    page.locator(".teach .said", has_text="Take 1 of 3: now").wait_for()
    press(page, "Stop recording")
    page.get_by_role("button", name="Record hands-free").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_page(visit, width, scheme):
    page = visit(viewport={"width": width, "height": 850}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_text("A take may last 10 seconds").is_visible()
    press(page, "Hold to record")
    page.locator(".teach .said", has_text="Name the action first").wait_for()
    expect(page.get_by_label("Its name")).to_be_focused()


def test_a_clip_that_is_none_is_said(visit, tmp_path):
    (tmp_path / "notes.mp4").write_text("Not a video at all.")
    page = visit()
    page.get_by_label("Its name").fill("wave")
    page.locator(".teach .clips").set_input_files(tmp_path / "notes.mp4")
    said = page.locator(".teach .said", has_text="notes.mp4: it cannot be read")
    said.wait_for()
    assert page.locator(".card").count() == 0
