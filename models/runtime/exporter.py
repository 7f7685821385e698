"""Export graphs in a process of their own.

The exporter needs PyTorch: seconds to import, and 1.2 GB of memory that a server would keep.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from models.errors import UserError
from models.runtime.child import be_child, reason, start


def export_apart(kind: str, *files: Path | str) -> bytes:
    """Export a graph in another process, which ends no later than this one, whatever ends this one.

    Args:
        kind: "pose" or "strl", which name a function of `models/runtime/export.py`.
        files: its arguments.

    Returns:
        The content of an ONNX file.

    Raises:
        UserError: the function raised it, there is no PyTorch, or the process failed or was killed.
    """
    if find_spec("torch") is None:
        raise UserError(
            f"{files[-1]} has no .onnx of its own beside it: make one with weights/export.py where "
            "PyTorch is, or install that (make setup)"
        )
    with start("models.runtime.exporter", kind, *files) as process:
        try:
            model, said = _communicate(process)
        except BaseException:  # Ctrl-C among them
            process.kill()
            raise
    if status := process.returncode:
        what = "cannot compile a network"
        raise UserError(reason(status, said.decode(errors="replace"), what, "the exporter"))
    return model


def _communicate(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Return what a process writes, with its standard input kept open until it ends."""
    stdin, process.stdin = process.stdin, None  # Popen.communicate would close it at once
    assert stdin is not None
    with stdin:
        return process.communicate()


def main(kind: str, *files: str) -> None:
    """Export a graph to standard output, and end when standard input is closed.

    What libraries print goes to standard error, and so does the line of a `UserError`.
    """
    graphs = be_child()
    from models.runtime import export

    exports: dict[str, Callable[..., bytes]]
    exports = {"pose": export.export_pose, "strl": export.export_strl}
    try:
        model = exports[kind](*map(Path, files))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    with os.fdopen(graphs, "wb") as stream:
        stream.write(model)


if __name__ == "__main__":
    main(*sys.argv[1:])
