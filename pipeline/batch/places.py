"""Files here, or wherever fsspec reaches: `s3://`, `gs://`, `http://` and others."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from models.errors import UserError
from models.files import check_input, file_digest
from models.part import copy_whole, reason, write_whole

READ_ONLY = ("http://", "https://")


class Unreachable(UserError):
    """An address that cannot be used now, but perhaps at another time."""


def is_remote(place: str) -> bool:
    """Whether a place is an address, and not a path."""
    return "://" in place


def join(folder: str, name: str) -> str:
    """The place of a name, with slashes, in a folder."""
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else str(Path(folder) / name)


def beside(place: str, name: str) -> str:
    """The place of a name in the folder of another."""
    if is_remote(place):
        return f"{place.rpartition('/')[0]}/{name}"
    return str(Path(place).with_name(name))


@contextmanager
def fetched(place: str) -> Iterator[Path]:
    """Have a file here: itself, or a copy of one elsewhere that is gone after the block.

    Raises:
        UserError: there is no such file, or it cannot be read.
    """
    if not is_remote(place):
        check_input(place)
        yield Path(place)
        return
    with tempfile.TemporaryDirectory(prefix="batch-") as folder:
        copy = Path(folder) / (PurePosixPath(place).name.partition("?")[0] or "video")
        with file_system(place) as (system, path):
            system.get_file(path, str(copy))
        yield copy


def read(place: str) -> bytes | None:
    """Return the content of a file, or None if there is none.

    Raises:
        UserError: it cannot be read.
    """
    try:
        if not is_remote(place):
            return Path(place).read_bytes()
        with file_system(place) as (system, path):
            return system.cat_file(path) if system.exists(path) else None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"cannot read {place}: {reason(error)}") from error


def exists(place: str) -> bool:
    """Whether there is a file."""
    if not is_remote(place):
        return Path(place).is_file()
    with file_system(place) as (system, path):
        return bool(system.exists(path))


def remove(place: str) -> None:
    """Remove a file, if there is one.

    Raises:
        UserError: it cannot be removed.
    """
    try:
        if not is_remote(place):
            return Path(place).unlink(missing_ok=True)
        with file_system(place) as (system, path):
            if system.exists(path):
                system.rm_file(path)
    except OSError as error:
        raise UserError(f"cannot remove {place}: {reason(error)}") from error


def publish(file: Path, place: str) -> None:
    """Copy a file of ours to a place, where it is as a whole or not at all.

    Raises:
        UserError: it cannot be written there.
    """
    if not is_remote(place):
        return copy_whole(file, Path(place))
    with file.open("rb") as content, _appearing(place) as copy:
        shutil.copyfileobj(content, copy)


def write(place: str, data: bytes) -> None:
    """Write a file, which is there as a whole or not at all.

    Raises:
        UserError: it cannot be written.
    """
    if not is_remote(place):
        return write_whole(Path(place), data)
    with _appearing(place) as file:
        file.write(data)


def version(place: str) -> str:
    """Return what changes when a file is changed, as far as this is known without reading it.

    Raises:
        UserError: there is no such file.
    """
    if is_remote(place):
        with file_system(place) as (system, path):
            info = json.dumps(system.info(path), default=str, sort_keys=True)
        return hashlib.sha256(info.encode()).hexdigest()
    check_input(place)
    about = Path(place).stat()
    return f"{about.st_size} {about.st_mtime_ns}"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file here.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return file_digest(path).hex()
    except OSError as error:
        raise UserError(f"cannot read {path}: {reason(error)}") from error


@contextmanager
def file_system(place: str) -> Iterator[tuple[Any, str]]:
    """The file system of an address, and the path in it, for as long as it is used.

    Raises:
        Unreachable: it does not answer, or refuses.
        UserError: fsspec or what it needs for such addresses is not installed, or there is no such
            file.
    """
    try:
        from fsspec.core import url_to_fs

        yield url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise UserError(f"{place} cannot be reached: {error}") from error
    except FileNotFoundError as error:
        raise UserError(f"cannot read {place}: there is no such file") from error
    except UserError:
        raise
    except Exception as error:  # each file system has its own
        raise Unreachable(f"{place} cannot be used: {reason(error)}") from error


@contextmanager
def _appearing(place: str) -> Iterator[Any]:
    """A file elsewhere that appears when it is whole, by fsspec's transactions."""
    if place.startswith(READ_ONLY):
        raise UserError(f"{place} cannot be written: name another folder with --out")
    with file_system(place) as (system, path):
        system.makedirs(system._parent(path), exist_ok=True)
        with system.transaction, system.open(path, "wb") as file:
            yield file
