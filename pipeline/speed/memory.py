"""The video program as a process: how long it takes, and its peak memory."""

import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av

from models.errors import UserError
from models.files import ROOT
from pipeline.source import open_source

LAUNCHER = """
import subprocess, sys
status = subprocess.call(sys.argv[1:])
try:
    import resource
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
except ImportError:
    print(0)
sys.exit(status)
"""
"""Runs a command and prints its peak memory. A small process of its own, since the peak memory of
a child is never reported as less than its parent's was when it started."""


def program(path: Path, *arguments: str) -> tuple[float, float | None]:
    """Run `apps/video.py` on a video.

    Returns:
        Seconds that it takes, and its peak memory in MB, or None where the system does not tell.

    Raises:
        UserError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out.mp4")
        command = [sys.executable, "apps/video.py", str(path.absolute()), "--out", out, *arguments]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", LAUNCHER, *command], cwd=ROOT, capture_output=True, text=True
        )
        spent = time.perf_counter() - began
    if done.returncode:
        raise UserError(f"apps/video.py failed: {done.stderr.splitlines()[-1]}")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kilobytes elsewhere
    return spent, int(done.stdout) / unit or None


def program_options(quality: str, runtime: str | None) -> list[str]:
    """The options of `apps/video.py` for this quality and runtime."""
    return ["--quality", quality, *(["--runtime", runtime] if runtime else [])]


def repeat(path: Path, length: float, out: Path) -> None:
    """Write a video that repeats another for `length` seconds, without encoding it anew.

    Raises:
        UserError: the file is not a readable video, or does not say how long it lasts.
    """
    with open_source(path) as source, av.open(str(out), "w") as output:
        if source.duration is None:
            raise UserError(f"{path} does not say how long it lasts")
        stream = None
        for turn in range(math.ceil(length / source.duration)):
            with av.open(str(path)) as container:
                video = container.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                shift = round(turn * source.duration / source.time_base)
                for packet in container.demux(video):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = stream
                    output.mux(packet)


def memory(path: Path, *arguments: str) -> dict[str, float | None]:
    """Peak memory of `apps/video.py` in MB, on 10 seconds and on 10 minutes of a repeated video."""
    with tempfile.TemporaryDirectory() as folder:
        peaks = {}
        for name, length in (("10 seconds", 10.0), ("10 minutes", 600.0)):
            repeat(path, length, repeated := Path(folder) / "repeated.mp4")
            peaks[name] = program(repeated, *arguments)[1]
        return peaks
