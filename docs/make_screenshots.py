"""Make the pictures of the web page, docs/web-*.png, from bundled clips.

Needs Chromium. The tabs are shown as they are after an example, before a camera that sees one, and
with clips to teach by.
"""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from pipeline import open_source

DOCS = Path(__file__).parent
ROOT = DOCS.parent
CLIP = ROOT / "tests" / "data" / "two_people.mp4"
TAKES = {"walk past": ["walk.mp4", "two_walkers.mp4"], "jump down": ["two_people.mp4"]}
"""Clips to teach by, of each label."""
WIDTH, HEIGHT = 1180, 660
PATIENCE = 90_000
"""Milliseconds."""


def make(folder: Path, width: int = WIDTH) -> None:
    """Write the pictures into a folder, of a page of a width in pixels."""
    with TemporaryDirectory() as temporary, served() as address, sync_playwright() as playwright:
        camera = Path(temporary) / "camera.mjpeg"
        camera.write_bytes(b"".join(jpegs(CLIP)))
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=[
                *("--no-sandbox", "--use-fake-ui-for-media-stream"),
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )
        page = chromium.new_page(viewport={"width": width, "height": HEIGHT})
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        show_example(page)
        save(page, folder / "web-video.png")
        show_camera(page)
        save(page, folder / "web-live.png")
        show_takes(page)
        save(page, folder / "web-teach.png")
        chromium.close()


def save(page: Page, path: Path) -> None:
    """Save a picture of the page, with 256 colours: with all, it takes three times the space."""
    page.screenshot(path=path, full_page=True)
    Image.open(path).convert("RGB").quantize(256, kmeans=2).save(path, optimize=True)


def show_example(page: Page) -> None:
    """Show the video tab two seconds into an annotated example, with the tip of a bar."""
    page.locator(".gallery-item").first.click()
    expect(page.get_by_text("Frames (JSON Lines)")).to_be_visible(timeout=PATIENCE)
    video = page.locator("video").last
    video.evaluate("video => { video.pause(); video.currentTime = 3.5; }")
    page.wait_for_function("() => [...document.querySelectorAll('video')].pop().currentTime > 3")
    page.locator(".timeline .bar").last.hover()
    page.wait_for_timeout(500)


def show_camera(page: Page) -> None:
    """Show the live tab while somebody's action is named and somebody else's is not."""
    page.get_by_role("tab", name="Live").click()
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_function(
        """() => {
            const live = document.querySelector(".live:has(.named):has(.unnamed .meter)");
            live?.replaceWith(live.cloneNode(true));  // it stands still
            return live;
        }"""
    )


def show_takes(page: Page) -> None:
    """Show the tab that teaches with takes of two actions."""
    page.get_by_role("tab", name="Teach").click()
    teach = page.locator(".teach")
    for label, clips in TAKES.items():
        teach.locator(".label").fill(label)
        teach.locator(".clips").set_input_files([CLIP.parent / clip for clip in clips])
        card = teach.locator(f".card[data-label='{label}']")
        expect(card.locator("li")).to_have_count(len(clips), timeout=PATIENCE)
    teach.locator(".label").fill("")


def jpegs(clip: Path) -> Iterator[bytes]:
    """The pictures of a clip, as Chromium takes them for those of a camera."""
    with open_source(clip) as source:
        for frame in source:
            yield cv2.imencode(".jpg", cv2.resize(frame.image, (640, 360)))[1].tobytes()


@contextmanager
def served() -> Iterator[str]:
    """The page's address, while it is served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, ROOT / "apps" / "web.py", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    for line in server.stdout:
        if "Running on" in line:
            break
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
