"""Read a visitor's data set in a process of its own, where a hostile one can waste little."""

import sys
from pathlib import Path

from models.data import annotations, pyskl
from models.data.annotations import Example
from models.data.recording import Skeletons
from models.errors import UserError
from models.runtime.child import be_child, be_modest, reason, start
from pipeline.extract.dataset import assemble
from pipeline.web.takes import Takes, from_clips

MEMORY = 1_000_000_000
"""Bytes of data that the process may have."""
SECONDS = 60.0
"""That it may take."""
MAX_BYTES = 100_000_000
"""Largest data set."""


def read_takes(path: Path, spare: Path) -> list[tuple[str, Skeletons]]:
    """Read the labels and the skeletons of a data set in PYSKL's format.

    The other process writes what is good of it anew, so that this one reads a file of ours.

    Args:
        path: the data set.
        spare: a file for what is good; it is deleted.

    Raises:
        UserError: it is something else, or too large, or its takes are beyond the limits.
    """
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path.name} has more than {MAX_BYTES / 1e6:.0f} MB")
    try:
        with start("pipeline.web.intake", path, spare) as process:
            stdin, process.stdin = process.stdin, None  # `communicate` would close it at once
            assert stdin is not None
            with stdin:
                try:
                    _, said = process.communicate(timeout=SECONDS)
                finally:
                    process.kill()
        if status := process.returncode:
            text = said.decode(errors="replace")
            raise UserError(reason(status, text, f"{path.name} cannot be read", "its reader"))
        return from_clips(pyskl.read(spare).clips.values())
    finally:
        spare.unlink(missing_ok=True)


def main(source: str, target: str) -> None:
    """Read a data set, check it against the limits, and write what is good of it."""
    be_child()
    be_modest(MEMORY)
    try:
        takes = Takes()
        for label, skeletons in from_clips(pyskl.read(source).clips.values()):
            takes.add(label, skeletons)
        write_takes(Path(target), takes.examples())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def write_takes(path: Path, takes: list[Example]) -> list[str]:
    """Write takes as a data set in PYSKL's format.

    Returns:
        What was left out, and why.

    Raises:
        UserError: nothing is left, or the file cannot be written.
    """
    data = assemble(takes)
    if not data.annotations:
        raise UserError("no take can be used: " + "; ".join(map(str, data.left_out[:3])))
    annotations.write(path, data.annotations, data.classes, "own")
    return [str(remark) for remark in data.left_out]


if __name__ == "__main__":
    main(*sys.argv[1:])
