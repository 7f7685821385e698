"""The program from outside: how long it takes, and how much memory."""

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

LAUNCH = """
import subprocess, sys
status = subprocess.call(sys.argv[1:])
try:
    import resource
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
except ImportError:
    print(0)
sys.exit(status)
"""
"""A small process between, since a program's peak memory is never less than its parent's was."""


def program(path: Path, *arguments: str) -> tuple[float, float | None]:
    """Seconds that `apps/video.py` takes on a video, and its peak memory in MB where known.

    Raises:
        UserError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out.mp4")
        command = [sys.executable, "apps/video.py", str(path), "--out", out, *arguments]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", LAUNCH, *command], cwd=ROOT, capture_output=True, text=True
        )
        spent = time.perf_counter() - began
    if done.returncode:
        raise UserError(f"apps/video.py failed: {done.stderr.splitlines()[-1]}")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kilobytes elsewhere
    return spent, int(done.stdout) / unit or None


def choice(quality: str, runtime: str | None) -> list[str]:
    """The same choice as arguments of `apps/video.py`."""
    return ["--quality", quality, *(["--runtime", runtime] if runtime else [])]


def repeat(path: Path, length: float, out: Path) -> None:
    """Write a video that shows another again and again for so many seconds; nothing is encoded.

    Raises:
        UserError: it is no video that can be read, or does not say how long it lasts.
    """
    with open_source(path) as source, av.open(str(out), "w") as output:
        if source.duration is None:
            raise UserError(f"{path} does not say how long it lasts")
        stream = None
        for turn in range(math.ceil(length / source.duration)):
            with av.open(str(path)) as container:
                video = container.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                later = round(turn * source.duration / video.time_base)
                for packet in container.demux(video):
                    if packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + later, packet.dts + later
                        packet.stream = stream
                        output.mux(packet)


def memory(path: Path, *arguments: str) -> dict[str, float | None]:
    """Peak memory of `apps/video.py` in MB on the video repeated for 10 seconds and 10 minutes."""
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name, length in (("10 seconds", 10.0), ("10 minutes", 600.0)):
            repeat(path, length, long := Path(folder) / "long.mp4")
            found[name] = program(long, *arguments)[1]
        return found
