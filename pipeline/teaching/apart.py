"""Teach in a process of its own, which leaves PyTorch out of the caller's and can be ended."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import IO

from models.errors import UserError
from models.part import write_whole
from models.runtime.child import be_child, be_modest, reason, start

MEMORY = 4_000_000_000
"""Bytes of data that the process may have."""
GRACE = 1200.0
"""Seconds that everything but training may take: many times what it takes on an idle machine."""


@dataclass(frozen=True)
class Learnt:
    """A classifier that is ready: its weights, and beside them its graph, are written.

    Attributes:
        summary: how good it is, in a sentence.
        page: what else is known about it, as HTML.
    """

    summary: str
    page: str


class Teacher:
    """A process that teaches the labels of a data set.

    Args:
        data: as of `pipeline.teaching.dataset.teach_data`.
        out: the weights, `.safetensors`. The graph is beside them, with the suffix `.onnx`.
        weights: what to start from.
        minutes: for training; with none, a head is fitted alone.
        extend: add the labels to those of the weights.
    """

    def __init__(
        self, data: Path, out: Path, weights: Path | str, minutes: float, extend: bool = False
    ):
        self._arguments = (data, out, weights, str(minutes), str(int(extend)))
        self._seconds = 60 * minutes + GRACE
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = self._late = False

    def messages(self) -> Generator[str | Learnt]:
        """Start it, and read what it tells: stages, and what it has learnt, twice if it trains.

        Close the iterator (`contextlib.closing`) if it is not iterated to the end.

        Raises:
            UserError: as `teach_data`; or it failed, took too long or was ended.
        """
        # Of the standard error: a pipe that nobody empties fills up.
        with tempfile.TemporaryFile() as said, self._started(said) as process:
            limit = Timer(self._seconds, self._end_late)
            limit.start()
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    message = json.loads(line)
                    yield message if isinstance(message, str) else Learnt(**message)
                if status := process.wait():
                    if self._late:
                        raise UserError("teaching took too long, and was ended")
                    said.seek(0)
                    text = said.read().decode(errors="replace")
                    raise UserError(reason(status, text, "teaching failed", "it"))
            finally:
                limit.cancel()
                process.kill()

    def stop(self) -> None:
        """End it at once."""
        self._stopped = True
        if self._process is not None:
            self._process.kill()

    def _end_late(self) -> None:
        self._late = True
        self.stop()

    def _started(self, said: IO[bytes]) -> subprocess.Popen[bytes]:
        one_thread = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        process = start(
            "pipeline.teaching.apart", *self._arguments, stderr=said, environment=one_thread
        )
        self._process = process
        if self._stopped:
            process.kill()
        return process


def main(data: str, out: str, weights: str, minutes: str, extend: str) -> None:
    """Teach, and write a line of JSON for each stage and each result."""
    output = os.fdopen(be_child(), "w", encoding="utf-8")
    be_modest(MEMORY)
    import torch

    from models.runtime.export import export_strl
    from models.training.teaching.course import CourseSettings
    from pipeline.teaching.dataset import teach_data
    from pipeline.teaching.page import essentials
    from pipeline.teaching.report import Report

    torch.set_num_threads(1)
    target = Path(out)

    def send(message: object) -> None:
        print(json.dumps(message), file=output, flush=True)

    def keep(report: Report) -> None:
        report.taught.model.save(target)
        write_whole(target.with_suffix(".onnx"), export_strl(target))
        send({"summary": report.summary(), "page": essentials(report)})

    settings = CourseSettings(
        target.with_suffix(".teaching"), 60 * float(minutes), bool(int(extend))
    )
    try:
        report = teach_data(Path(data), settings, weights, send, keep)
        if report.taught.trained:  # else it is what was kept already
            keep(report)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main(*sys.argv[1:])
