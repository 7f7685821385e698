"""Nothing leaves the machine, and no library leaves files of its own."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.faults import programs
from tests.pipeline.videos import CLIPS

pytestmark = pytest.mark.faults

WATCHER = """
import os, sys

def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto"):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {arguments!r}\\n")

sys.addaudithook(watch)
"""
HERE = re.compile(r"127\.0\.0\.1|localhost|::1|0\.0\.0\.0|AF_UNIX|sun_path|AF_NETLINK|\bNone\b")
DOORS = {
    "import": [sys.executable, "-c", "import pipeline; pipeline.Pipeline()"],
    "video": programs.command(
        "video.py", CLIPS / "walk.mp4", "--max-seconds", 0.2, "--out", "a.mp4"
    ),
    "webcam": programs.command(
        "webcam.py", "--source", CLIPS / "walk.mp4", "--headless", "--record", "b.mp4"
    ),
    "list": programs.command("video.py", "--list-actions"),
    "evaluate": programs.command("evaluate.py", "none", "--data", "none", "--split", "none"),
    "web": programs.command("web.py", "--port", programs.free_port()),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


def watched(line, home, folder):
    """Run a program with a home, and return the addresses that it looked up or called."""
    (folder / "sitecustomize.py").write_text(WATCHER)
    python, traced = folder / "python.log", folder / "strace.log"
    environment = programs.environment(HOME=str(home), WATCHED=str(python))
    environment["PYTHONPATH"] = f"{folder}{os.pathsep}{programs.ROOT}"
    ours = ("ORT_DISABLE_TELEMETRY", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE", "MPLCONFIGDIR")
    for name in (*ours, "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LIVE_ACTION_RECOGNITION_CACHE"):
        environment.pop(name, None)
    if shutil.which("strace"):  # it sees native code as well
        options = ["-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-e", "signal=none"]
        line = ["strace", *options, "-o", str(traced), *line]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(line, cwd=folder, env=environment, stdout=log, stderr=log)
        if "web.py" in " ".join(line):
            while "Running on" not in (folder / "log.txt").read_text():
                assert process.poll() is None, (folder / "log.txt").read_text()
                time.sleep(0.1)
            os.kill(child_of(process.pid) if shutil.which("strace") else process.pid, signal.SIGINT)
        process.wait(2 * programs.PATIENCE)
    found = [path.read_text().splitlines() for path in (python, traced) if path.exists()]
    calls = [call for calls in found for call in calls if "sa_family" in call or "socket." in call]
    return [call for call in calls if not HERE.search(call)]


def child_of(number):
    """The first child of a process, on Linux."""
    with open(f"/proc/{number}/task/{number}/children") as file:
        return int(file.read().split()[0])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="watches system calls of Linux")
@pytest.mark.parametrize("door", DOORS)
def test_a_program_calls_nobody_and_leaves_no_file_that_is_not_ours(home, tmp_path, door):
    assert watched(DOORS[door], home, tmp_path) == []
    ours = home / ".cache" / "live-action-recognition"
    foreign = [path for path in home.rglob("*") if path.is_file() and ours not in path.parents]
    assert foreign == []


def test_calls_of_libraries_would_be_seen(home, tmp_path):
    program = "import socket\nwith socket.socket() as s:\n s.settimeout(1)\n"
    program += " try: s.connect(('192.0.2.1', 9))\n except OSError: pass"
    assert watched([sys.executable, "-c", program], home, tmp_path)


def test_the_tests_themselves_are_silent():
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
