"""Paths of the bundled files and of the cache; reading and writing JSON."""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from models.errors import UserError
from models.part import reason, write_whole

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "models" / "configs"
WEIGHTS = ROOT / "weights"

CACHE = "LIVE_ACTION_RECOGNITION_CACHE"
"""Environment variable for another folder to cache exported graphs in."""


def cache_folder() -> Path | None:
    """Return the folder of exported graphs, which can be deleted at any time.

    None if there is no place for one: the user has no home.
    """
    named = os.environ.get(CACHE)
    if named:
        return Path(named)
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(base).expanduser() / "live-action-recognition"
    except RuntimeError:
        return None


def check_input(path: str | Path) -> None:
    """Check that a file can be read to its end: one of a device or a pipe may have none.

    Raises:
        UserError: there is no such file, or something else in its place.
    """
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise UserError(f"cannot read {path}: it is a folder")
        if not stat.S_ISREG(mode):
            raise UserError(f"cannot read {path}: it is a device or a pipe")
        with open(path, "rb"):
            pass
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the name
        raise UserError(f"cannot read {path}: {reason(error)}") from error


def file_digest(path: str | Path) -> bytes:
    """Return the SHA-256 of a file's content, which is read in pieces.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.digest()


def visible_files(folder: Path, ignored: Iterable[Path] = ()) -> Iterator[Path]:
    """All files in a folder and its folders, in order, without hidden and ignored ones.

    Raises:
        OSError: a folder cannot be read.
    """
    # A link may lead back to a folder that this one is in.
    yield from _visible_files(folder, tuple(path.resolve() for path in (folder, *ignored)))


def _visible_files(folder: Path, ignored: tuple[Path, ...]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.resolve() in ignored:
            continue
        if path.is_dir():
            yield from _visible_files(path, (*ignored, path.resolve()))
        elif path.is_file():
            yield path


def read_json(path: str | Path, what: str) -> Any:
    """Read a JSON file of the user's; `what` it is goes into the message.

    Raises:
        UserError: the file cannot be read, or is not JSON.
    """
    check_input(path)
    try:
        return json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"cannot read the {what} {path}: {error}") from error


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file, as `write_whole`.

    Raises:
        UserError: the file cannot be written.
    """
    write_whole(path, (json.dumps(value, indent=2) + "\n").encode())
