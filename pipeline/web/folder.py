"""The folder for everything that visitors upload and get, which must not outlive the program."""

import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":  # Windows has no such locks
    import fcntl

PREFIX = "actions-"
LOCK = "lock"
"""File in the folder that its program has locked, for as long as it lives."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder, deleted at the end; delete those first that a crash has left (not on Windows).

    Yields:
        Its path, without links.
    """
    if sys.platform == "win32":
        with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as made:
            yield Path(made).resolve()
        return
    parent = Path(tempfile.gettempdir()).resolve()
    for folder in parent.glob(f"{PREFIX}*"):
        _delete_if_left(folder)
    # Until it is locked, others would take it for one that is left.
    unlocked = Path(tempfile.mkdtemp(prefix="new-actions-", dir=parent))
    with open(unlocked / LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = unlocked.rename(parent / f"{PREFIX}{secrets.token_hex(8)}")
        try:
            yield folder
        finally:
            _delete(folder)


def _delete_if_left(folder: Path) -> None:
    """Delete a folder if it is ours and the program that made it has ended."""
    with suppress(OSError):
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return
        with open(folder / LOCK, "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an error if it is locked
            _delete(folder)


def _delete(folder: Path) -> None:
    """Delete a folder, the lock at last: whoever is stopped here leaves a folder that has one."""
    for item in folder.iterdir():
        if item.name != LOCK:
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item, ignore_errors=True)
            else:
                item.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
