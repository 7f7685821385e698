"""Modules of ours in processes of their own, which end no later than this one, whatever ends it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

from models.files import ROOT

NICENESS = 10
"""By how much a modest process is nicer than others."""


def start(
    module: str,
    *arguments: Path | str,
    stderr: int | IO[bytes] = subprocess.PIPE,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a module, whose `main` calls `be_child` first.

    It ends when its standard input is closed. Its standard output is a pipe.

    Args:
        module: its dotted name.
        arguments: of the command line.
        stderr: as of `subprocess.Popen`.
        environment: variables that it gets besides those of this process.
    """
    paths = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    return subprocess.Popen(
        # Safe path (-P): files of the working folder cannot pass for modules.
        [sys.executable, "-P", "-m", module, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, **(environment or {}), "PYTHONPATH": os.pathsep.join(paths)},
    )


def be_child() -> int:
    """Let this process end when its standard input is closed, and keep prints out of its output.

    Returns:
        A descriptor of the standard output; what libraries print goes to the standard error.
    """
    output = os.dup(1)
    os.dup2(2, 1)
    Thread(target=_end_with_parent, daemon=True).start()
    return output


def be_modest(memory: int) -> None:
    """Let this process have so many bytes of data, and come after others, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    os.nice(NICENESS)
    with suppress(ValueError, OSError):  # systems differ in what can be limited
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def reason(status: int, said: str, what: str, who: str) -> str:
    """Say in one line why a child failed.

    Args:
        status: its exit status; 2 if the last line that it said is for the user.
        said: its standard error.
        what: it could not do, such as "cannot compile a network".
        who: it was.
    """
    last = (said.strip().splitlines() or ["it said nothing"])[-1]
    if status == 2:
        return last.removeprefix("error: ")
    if status < 0:
        return f"{what}: {who} was killed by {signal.Signals(-status).name}; is memory short?"
    return f"{what}: {last}"


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)
