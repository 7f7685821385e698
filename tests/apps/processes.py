"""Programs in processes of their own."""

import subprocess
import sys
import time

from models.files import ROOT


def launch(program, *arguments):
    """Start a program as the leader of a group, which a terminal would stop as a whole."""
    command = [sys.executable, f"apps/{program}.py", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def wait_for(found):
    """Wait until a function returns something, and return it."""
    for _ in range(1200):
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def children(pid):
    """Ids of the processes that a process has started."""
    return [int(one) for one in open(f"/proc/{pid}/task/{pid}/children").read().split()]


def alive(pid):
    """Whether a process runs still."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
