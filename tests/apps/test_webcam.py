import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import ImageGrab

from apps.cli import run
from apps.webcam import main
from pipeline.camera.canvas import WORDS_SIZE
from pipeline.hints import Hint
from pipeline.overlay import DARK, write
from tests.pipeline.camera.streams import NetworkCamera
from tests.pipeline.camera.usb import DeviceTree
from tests.pipeline.receiver import Receiver
from tests.pipeline.videos import CLIPS

PROGRAM = Path(__file__).parents[2] / "apps" / "webcam.py"
TWO = CLIPS / "two_people.mp4"
RECORD = ("--record", "out.mp4")
PAINTING = 15
"""Seconds after which a window that is still black stays so."""
PATIENCE = 90
"""Seconds after which a test gives up; nothing takes that long on a machine that is not stuck."""


@pytest.fixture
def webcam(monkeypatch):
    """The program, in this process; its answers to signals end with it."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["webcam.py", *map(str, arguments)])
        run(main)

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


class Program:
    """The program in a process of its own; what it prints is read while it runs."""

    def __init__(self, folder, *arguments, display=None):
        self.out, self.errors = folder / "out.txt", folder / "errors.txt"
        environment = {**os.environ, **({"DISPLAY": display} if display else {})}
        with self.out.open("w") as out, self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, PROGRAM, *map(str, arguments)],
                cwd=folder,
                env=environment,
                stdout=out,
                stderr=errors,
            )

    def until(self, condition):
        """Wait for a condition, and give what it was met by."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if met := condition():
                return met
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"it did not happen; errors: {self.errors.read_text()}")

    def frames(self):
        """The whole lines of JSON so far."""
        whole, _, _ = self.out.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def ends(self):
        """The exit status."""
        return self.process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def pictures(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def small(image):
    """A picture's large shapes, to compare by."""
    return cv2.cvtColor(
        cv2.resize(image, (64, 36), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY
    ).astype(float)


def likeness(image, other):
    return np.corrcoef(small(image).ravel(), small(other).ravel())[0, 1]


def is_mirrored(image, original):
    """Whether a picture is the mirror image of a scene; it must be that or the scene itself."""
    straight, mirrored = likeness(image, original), likeness(image[:, ::-1], original)
    assert max(straight, mirrored) > 0.8 > 0.3 > min(straight, mirrored)
    return mirrored > straight


@pytest.mark.slow
def test_a_file_headless(webcam, tmp_path):
    lines, video = tmp_path / "out.jsonl", tmp_path / "out.mp4"
    webcam("--source", TWO, "--headless", "--mirror", "--json", lines, "--record", video)
    frames = [json.loads(line) for line in lines.read_text().splitlines()]
    numbers = [frame["frame"] for frame in frames]
    assert numbers == sorted(set(numbers)) and numbers[0] == 0 and numbers[-1] == 169
    # Each is taken at its own moment; they are counted by the camera, so what was dropped shows.
    assert all(frame["time"] >= frame["frame"] / 30 - 0.01 for frame in frames)
    assert any(frame["people"] for frame in frames)
    recorded = pictures(video)
    assert len(recorded) == len(frames)
    assert not is_mirrored(recorded[0], pictures(TWO)[0])


@pytest.mark.slow
def test_beginnings_and_ends_are_written_and_posted(webcam, tmp_path):
    lines = tmp_path / "events.jsonl"
    with Receiver() as receiver:
        outputs = ("--events", lines, "--hook", receiver.address)
        webcam("--source", CLIPS / "walk.mp4", "--people", 1, "--headless", *outputs)
    notices = [json.loads(line) for line in lines.read_text().splitlines()]
    first = notices[0]
    assert (first["event"], first["label"]) == ("start", "walk") and len(first["people"]) == 1
    # What goes on when the camera ends has an end, too.
    assert sum(n["event"] == "start" for n in notices) * 2 == len(notices)
    assert receiver.bodies == notices


@pytest.mark.slow
def test_a_stream_is_cut_and_comes_back_and_ctrl_c_ends_it(tmp_path):
    arguments = ("--headless", "--json", "-", *RECORD)
    with (
        NetworkCamera(CLIPS / "two_walkers.mp4") as camera,
        Program(tmp_path, "--source", camera.url, *arguments) as program,
    ):
        program.until(lambda: any(frame["actions"] for frame in program.frames()))
        camera.unplug()
        program.until(lambda: "trying again in 1 s" in program.errors.read_text())
        before = program.frames()
        camera.plug()
        program.until(lambda: "is back" in program.errors.read_text())
        frames = program.until(
            lambda: next((f for f in [program.frames()] if f[-1]["people"] and f > before), None)
        )
        program.process.send_signal(signal.SIGINT)
        assert program.ends() == 0
    errors = program.errors.read_text()
    assert "Traceback" not in errors and "wrote out.mp4" in errors
    after = frames[len(before) :]
    assert after[0]["time"] > before[-1]["time"] and after[0]["frame"] > before[-1]["frame"]
    # Nothing is remembered over the break: nobody's window, and nobody's id.
    known, found = ({p["id"] for f in part for p in f["people"]} for part in (before, after))
    assert known and found and known.isdisjoint(found)
    assert not after[0]["actions"]
    assert len(pictures(tmp_path / "out.mp4")) == len(program.frames())


@pytest.fixture(scope="module")
def display(tmp_path_factory):
    """A screen that nobody sees."""
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("Xvfb and xdotool are not installed")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x900x24", "-nolisten", "tcp"]
    command.append("-noreset")  # or it is away for a moment whenever its last client leaves
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with open(read) as numbers:
        yield f":{numbers.readline().strip()}"
    server.terminate()
    server.wait()


class Desk:
    """What a user sees of the window, and does to it."""

    def __init__(self, display, program):
        self.display = display
        self.program = program
        search = ("search", "--onlyvisible", "--name", "^Action recog")
        self.window = program.until(lambda: self._xdotool(*search))
        program.until(self._has_focus)

    def _xdotool(self, *command):
        environment = {**os.environ, "DISPLAY": self.display}
        done = subprocess.run(
            ["xdotool", *command], env=environment, capture_output=True, text=True, check=False
        )
        return done.stdout.split()[-1] if done.stdout.strip() else ""

    def _has_focus(self):
        """Focus the window: no key reaches one that lacks it, and the first try may come early."""
        self._xdotool("windowfocus", self.window)
        return self._xdotool("getwindowfocus") == self.window

    def press(self, key):
        self._xdotool("key", key)

    def resize(self, width, height):
        self._xdotool("windowsize", self.window, str(width), str(height))

    def size(self):
        """Width and height of the window."""
        _, _, _, width, height = re.findall(r"\d+", self._geometry())[-5:]
        return int(width), int(height)

    def _geometry(self):
        environment = {**os.environ, "DISPLAY": self.display}
        command = ["xdotool", "getwindowgeometry", self.window]
        return subprocess.run(command, env=environment, capture_output=True, text=True).stdout

    def close(self):
        """What a window manager does at the cross in the corner: ask the program (ICCCM, 4.2.8)."""
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        screen = ctypes.c_void_p(x11.XOpenDisplay(self.display.encode()))
        window = int(self.window)
        event = (ctypes.c_long * 24)()  # an XClientMessageEvent on a 64-bit machine
        event[0], event[4], event[6] = 33, window, 32
        event[5] = x11.XInternAtom(screen, b"WM_PROTOCOLS", False)
        event[7] = x11.XInternAtom(screen, b"WM_DELETE_WINDOW", False)
        x11.XSendEvent(screen, ctypes.c_ulong(window), False, 0, event)
        x11.XCloseDisplay(screen)

    def inside(self):
        """The window's inside, uint8 BGR."""
        shown = np.asarray(ImageGrab.grab(xdisplay=self.display).convert("RGB"))[..., ::-1]
        width, height = self.size()
        return shown[:height, :width]

    def panel(self):
        """Width of the panel at the window's right edge, in pixels, found by its background."""
        edge = (self.inside()[1] == DARK).all(1)[::-1]
        return int(np.argmin(edge)) if not edge.all() else len(edge)

    def picture(self):
        """What is left of the panel."""
        inside = self.inside()
        return inside[:, : inside.shape[1] - self.panel()]

    def is_painted(self):
        """Whether there is anything but black in the window, soon after it was opened."""
        end = time.monotonic() + PAINTING
        while time.monotonic() < end:
            if self.inside().any():
                return True
            time.sleep(0.2)
        return False

    def until_shown(self):
        """Wait for the first picture of the camera: more than a word on black."""
        self.program.until(lambda: self.picture().mean() > 40)


@contextmanager
def opened(display, folder, *arguments):
    """The program, and what a user sees of it.

    OpenCV's Qt at times misses that its window is shown, above all on a busy machine, and never
    paints it. A user would open it again.
    """
    for _ in range(4):
        with Program(folder, *arguments, display=display) as program:
            desk = Desk(display, program)
            if desk.is_painted():
                yield program, desk
                return
    raise AssertionError("the window stays black")


def says(picture, words):
    """Whether a message or a hint stands in a picture."""
    height, width = picture.shape[:2]
    blank = np.zeros_like(picture)
    write(blank, [words], (width / 2, height / 2), WORDS_SIZE)
    rows, columns = np.nonzero(blank.any(2))
    label = blank[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    picture = np.ascontiguousarray(picture)
    return cv2.matchTemplate(picture, label, cv2.TM_SQDIFF_NORMED).min() < 0.01


class WindowManager:
    """Answers a window's wish to fill the screen, or no longer to, as window managers do."""

    STRUCTURE = 1 << 17
    """The events of which Qt takes a copy of its wish for one: X11's StructureNotifyMask."""

    def __init__(self, display, full):
        self._full = full
        self._x11 = x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XDefaultRootWindow.restype = ctypes.c_ulong
        self._screen = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
        root = ctypes.c_ulong(x11.XDefaultRootWindow(self._screen))
        x11.XSelectInput(self._screen, root, ctypes.c_long(self.STRUCTURE))
        self._wish = x11.XInternAtom(self._screen, b"_NET_WM_STATE", False)
        self._fill = x11.XInternAtom(self._screen, b"_NET_WM_STATE_FULLSCREEN", False)
        x11.XFlush(self._screen)

    def answer(self, normal):
        """Do what was wished since the last call; `normal` is a window's size otherwise."""
        event = (ctypes.c_long * 24)()
        while self._x11.XPending(self._screen):
            self._x11.XNextEvent(self._screen, ctypes.byref(event))
            is_wish = event[0] & 0xFFFFFFFF == 33 and event[5] == self._wish
            if is_wish and self._fill in (event[8], event[9]):
                size = self._full if event[7] else normal
                window = ctypes.c_ulong(event[4])
                self._x11.XMoveResizeWindow(self._screen, window, 0, 0, *size)
        self._x11.XFlush(self._screen)
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._x11.XCloseDisplay(self._screen)


@pytest.mark.window
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs an X server")
def test_the_window_and_its_keys(display, tmp_path):
    scene = pictures(TWO)[0]
    with (
        NetworkCamera(TWO) as camera,
        opened(display, tmp_path, "--source", camera.url, "--mirror") as (program, desk),
    ):
        desk.until_shown()
        assert is_mirrored(desk.picture(), scene)

        desk.press("s")
        saved = program.until(lambda: list(tmp_path.glob("picture-*.png")))[0]
        desk.press("r")
        recorded = program.until(lambda: list(tmp_path.glob("recording-*.partial.mp4")))[0]
        program.until(lambda: recorded.stat().st_size > 1000)
        desk.press("r")
        video = program.until(lambda: list(tmp_path.glob("recording-*[0-9].mp4")))[0]

        desk.press("space")
        program.until(lambda: says(desk.picture(), "paused: press space"))
        still = desk.picture()
        time.sleep(0.5)
        assert np.array_equal(desk.picture(), still)
        desk.press("space")
        program.until(lambda: not np.array_equal(desk.picture(), still))

        camera.unplug()
        program.until(lambda: desk.picture().mean() < 10)  # no old picture passes for live
        camera.plug()
        desk.until_shown()
        desk.press("q")
        assert program.ends() == 0
    assert "Traceback" not in program.errors.read_text()
    assert not is_mirrored(cv2.imread(str(saved)), scene)
    assert not is_mirrored(pictures(video)[0], scene)


@pytest.mark.window
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs an X server")
def test_closing_the_window_ends_it_with_the_recording_whole(display, tmp_path):
    with (
        NetworkCamera(TWO) as camera,
        opened(display, tmp_path, "--source", camera.url, *RECORD) as (program, desk),
    ):
        desk.until_shown()
        assert not is_mirrored(desk.picture(), pictures(TWO)[0])
        desk.close()
        assert program.ends() == 0
    assert "wrote out.mp4" in program.errors.read_text()
    assert pictures(tmp_path / "out.mp4")


def clip(path, *parts):
    """A video of 340×256: parts are frames of the bundled clip, and what is done to each."""
    scene = [cv2.resize(picture, (340, 256)) for picture in pictures(TWO)[:45]]
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=30)
        video.width, video.height, video.pix_fmt = 340, 256, "yuv420p"
        for number, change in parts:
            for image in (scene * 9)[:number]:
                frame = av.VideoFrame.from_ndarray(change(image), format="bgr24")
                container.mux(video.encode(frame))
        container.mux(video.encode())
    return path


@pytest.mark.window
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs an X server")
def test_the_window_is_large_and_has_any_size(display, tmp_path):
    small = clip(tmp_path / "small.mp4", (45, lambda image: image))
    with (
        NetworkCamera(small) as camera,
        WindowManager(display, full=(1600, 900)) as manager,
        opened(display, tmp_path, "--source", camera.url) as (program, desk),
    ):
        desk.until_shown()
        first = desk.size()
        assert first[0] >= 960 and first[1] >= 560
        assert desk.panel() == 300
        assert is_mirrored(desk.picture()[:, ::-1], pictures(small)[0])  # it fills the window

        desk.resize(1400, 800)
        program.until(lambda: has(desk, 1400, 800))
        assert desk.panel() > 300
        desk.resize(600, 300)
        program.until(lambda: desk.panel() == 0 and fills(desk))
        desk.resize(*first)
        program.until(lambda: desk.panel() == 300 and fills(desk))

        desk.press("h")
        program.until(lambda: desk.panel() == 0 and fills(desk))
        desk.press("h")
        program.until(lambda: desk.panel() == 300)

        desk.press("f")
        program.until(lambda: manager.answer(first) and has(desk, 1600, 900))
        desk.press("f")
        program.until(lambda: manager.answer(first) and has(desk, *first))
        desk.press("q")
        assert program.ends() == 0
    assert "Traceback" not in program.errors.read_text()


def has(desk, width, height):
    """Whether the window has a size, and its picture fills it."""
    return desk.size() == (width, height) and fills(desk)


def fills(desk):
    """Whether the picture, which is nowhere black, is as large as fits beside the panel."""
    picture = desk.picture()
    height, width = picture.shape[:2]
    lit = picture.max(2) > 24
    columns, rows = lit.mean(0) > 0.2, lit.mean(1) > 0.2
    scale = min(width / 340, height / 256)
    return abs(columns.sum() - 340 * scale) < 8 and abs(rows.sum() - 256 * scale) < 8


@pytest.mark.window
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs an X server")
def test_the_window_says_what_is_missing_until_it_is_mended(display, tmp_path):
    hand = clip(
        tmp_path / "hand.mp4",
        (120, lambda image: np.full_like(image, 70)),
        (120, lambda image: image),
    )
    with (
        NetworkCamera(hand) as camera,
        opened(display, tmp_path, "--source", camera.url) as (program, desk),
    ):
        for _ in range(2):
            program.until(lambda: says(desk.picture(), Hint.BLANK))
            program.until(lambda: not says(desk.picture(), Hint.BLANK))
        desk.press("q")
        assert program.ends() == 0


def test_the_actions_can_be_listed(webcam, capsys):
    webcam("--list-actions")
    assert "walk (1 person)" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("there", [[], ["Desk"]])
def test_the_cameras_can_be_listed(webcam, capsys, monkeypatch, tmp_path, there):
    tree = DeviceTree(tmp_path, monkeypatch)
    for number, name in enumerate(there):
        tree.add(number, name, "camera")
    webcam("--list-cameras")
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("Desk  640×480") if there else line == "no camera was found: plug one in"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--source", "97"), "camera 97 is not there: plug it in"),
        (("--source", TWO), "use --headless"),
        (("--source", TWO, "--headless"), "--headless needs --record, --json"),
        (("--source", TWO, "--json", "-", "--events", "-"), "cannot both write"),
        (("--source", TWO, "--headless", "--hook", "file:///etc"), "must begin with http://"),
        (("--source", "none.mp4", "--headless", "--json", "-"), "no such file"),
        (("--source", "ftp://there/x", "--headless", "--json", "-"), "ftp:// is not opened"),
        (("--source", TWO, "--headless", "--record", TWO), "is the input"),
        (("--source", TWO, "--headless", "--record", "{tmp}/none/a.mp4"), "cannot write"),
        (("--source", TWO, "--headless", "--record", "{tmp}/a.mp4", "--pose", "my"), "unknown"),
    ],
)
def test_a_mistake_gets_one_line(webcam, monkeypatch, capsys, tmp_path, arguments, reason):
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(SystemExit) as stop:
        webcam(*(str(argument).replace("{tmp}", str(tmp_path)) for argument in arguments))
    assert stop.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and reason in lines[0]
    assert list(tmp_path.iterdir()) == []
