"""The programs, in processes of their own, and what becomes of them."""

import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 90
"""Seconds after which a program hangs; nothing takes that long, also on a busy machine."""

FILLED = 'mount -t tmpfs -o size="$1" none "$0" && cp "$0".before/* "$0" && cd "$0" || exit 99; '
FILLED += "left=$2; shift 2; dd if=/dev/zero of=filler bs=4096 2>/dev/null; "
FILLED += 'truncate -s -"$left" filler; "$@"; status=$?; cp "$0"/* "$0".after; exit $status'
"""A script that runs a program on a disk of its own with few bytes left."""


def command(door: str, *arguments: object) -> list[str]:
    """The command line of a program."""
    return [sys.executable, str(ROOT / "apps" / door), *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """Variables for a program that runs anywhere."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        status: of its exit; None if it had to be killed, as it did not end.
        errors: what it wrote on standard error.
    """

    status: int | None
    errors: str

    @property
    def lines(self) -> list[str]:
        """Its messages, without the progress of a video, which may be below a frame a second."""
        lines = re.split(r"[\r\n]", self.errors)
        return [line for line in lines if line and not re.search("frames/s|s/ frames", line)]

    @property
    def kind(self) -> str:
        """A column of the table of `tests.faults.soak`."""
        if self.status is None:
            return "hang"
        if "Traceback" in self.errors or "Exception ignored" in self.errors:
            return "traceback"
        if self.status == 0:
            return "whole"
        stopped = [128 + number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        told = self.status in (2, *stopped) and self.lines
        return "clear line" if told else "crash"


def run(line: list[str], patience: float = PATIENCE, **options: object) -> Ended:
    """Run a program to its end, or for the time that it may take."""
    options = {"env": environment(), "stdout": subprocess.DEVNULL, **options}
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True, errors="replace", **options)
    return wait(process, patience)


def wait(process: subprocess.Popen, patience: float = PATIENCE) -> Ended:
    """Wait for the end of a program whose standard error is a pipe."""
    try:
        errors = process.communicate(timeout=patience)[1]
        return Ended(process.returncode, errors)
    except subprocess.TimeoutExpired:
        process.kill()
        return Ended(None, process.communicate()[1])


def run_on_full_disk(line: list[str], folder: Path, size: str, left: int) -> Ended:
    """Run a program in a folder on a disk of its own.

    Args:
        line: the command line.
        folder: made for the disk. What is in `folder`.before is put on it, and what is on it in the
            end is put in `folder`.after.
        size: of the disk, as `mount` takes it.
        left: bytes that are free.
    """
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    for name in (folder, before(folder), after(folder)):
        name.mkdir(exist_ok=True)
    script = ["unshare", "-rm", "sh", "-c", FILLED, str(folder), size, str(left)]
    return run([*script, *line])


def before(folder: Path) -> Path:
    """What a full disk begins with."""
    return folder.with_name(f"{folder.name}.before")


def after(folder: Path) -> Path:
    """What a full disk ends with."""
    return folder.with_name(f"{folder.name}.after")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])
