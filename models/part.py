"""Files that get their names when they are whole.

Until then a file is a part, beside the place where it belongs: `out.partial.mp4` for `out.mp4`. An
older output is replaced only by a whole new one, and no part is ever written over.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import FileIO
from itertools import count
from pathlib import Path
from typing import BinaryIO

from models.errors import UserError

SYNC_PERIOD = 2.0
"""Seconds of work that a power failure may cost."""
COPIED = 1 << 20
"""Bytes that are copied at once."""


class PartFile:
    """A file of ours alone, written without a buffer, so that what is written survives our end.

    Args:
        path: where the file belongs.
        nameless: give it no name until it is whole, where the system can (Linux, on most file
            systems): nothing is left of it if we are killed.

    Attributes:
        path: its name until then; None if it has none.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: Path, nameless: bool = False):
        self._target = path
        self.path: Path | None = None
        unnamed = _open_nameless(path.parent) if nameless else None
        if unnamed is None:
            self.path, self._file = _create(path)
        else:
            self._file = unnamed
        self._synced = time.monotonic()

    def reader(self) -> BinaryIO:
        """Open the file a second time, for reading."""
        return open(self.path or _name_of(self._file), "rb")

    def write(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            OSError: as on a full disk.
        """
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        if time.monotonic() - self._synced > SYNC_PERIOD:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an offset in bytes, and return it."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The present offset."""
        return self._file.tell()

    def truncate(self) -> None:
        """Cut off what follows the present offset."""
        self._file.truncate()

    def finish(self) -> None:
        """Close the file and give it its name, in place of an older one.

        Raises:
            OSError: it cannot be written to the disk, or not be renamed.
        """
        os.fsync(self._file.fileno())
        if self.path is None:
            # Python follows the link in /proc only if told a folder, which is then of no meaning.
            link = partial(os.link, _name_of(self._file), src_dir_fd=self._file.fileno())
            self.path = _first_free(self._target, link)
        self._file.close()
        os.replace(self.path, self._target)
        _sync_folder(self._target.parent)

    def keep(self) -> None:
        """Close the file, and leave it under its present name."""
        self._file.close()

    def remove(self) -> None:
        """Close the file and remove it."""
        self._file.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def is_part(path: Path) -> bool:
    """Whether a file has the name of a part: it was not finished."""
    return re.search(r"(^|\.)partial(-\d+)?$", path.stem) is not None


def check_output(path: Path, source: Path | None) -> None:
    """Check that a file can be written, as far as this can be told before.

    Args:
        path: of the file.
        source: a file that must not be overwritten.

    Raises:
        UserError: there is a folder, a device, a pipe, a read-only file or the source in its place,
            or its name is not possible.
    """
    with writing(path):
        if not path.name:
            raise UserError(f"the output '{path}' has no name: name a file")
        if "\0" in str(path):
            raise UserError(f"the output {path} has a NUL byte in its name: name another")
        try:
            path.lstat()  # this finds a name that is too long
            mode = path.stat().st_mode
        except FileNotFoundError:
            return
        if stat.S_ISDIR(mode):
            raise UserError(f"the output {path} is a folder: name a file")
        if not stat.S_ISREG(mode):
            raise UserError(f"the output {path} is a device or a pipe: name a file")
        if source is not None and source.exists() and path.samefile(source):
            raise UserError(f"{path} is the input, and would be overwritten: name another")
        if not os.access(path, os.W_OK):
            raise UserError(f"the output {path} is there and is read-only: name another")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there as a whole or, if we are ended meanwhile, not at all.

    Args:
        path: of the file. Missing folders are made.
        data: all of it.

    Raises:
        UserError: the file cannot be written.
    """
    _write_pieces(path, [data])


def copy_whole(source: Path, path: Path) -> None:
    """Copy a file so that the copy is there as a whole or not at all, as by `write_whole`.

    Raises:
        UserError: the copy cannot be written, or the source not be read.
    """
    with writing(path), source.open("rb") as file:
        _write_pieces(path, iter(partial(file.read, COPIED), b""))


def _write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = PartFile(path, nameless=True)
        try:
            for piece in pieces:
                file.write(piece)
            file.finish()
        except BaseException:
            file.remove()
            raise


@contextmanager
def writing(path: Path | str, *errors: type[Exception]) -> Iterator[None]:
    """Say of errors of the system, and of `errors`, what could not be written.

    Raises:
        UserError: instead of them.
    """
    expected: tuple[type[Exception], ...] = (OSError, *errors)
    try:
        yield
    except expected as error:
        raise UserError(f"cannot write {path}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """What the system says of an error, without its number."""
    return getattr(error, "strerror", None) or str(error)


def _create(path: Path) -> tuple[Path, FileIO]:
    """Make a file beside `path` that was not there before, also not as a link."""
    opened: list[FileIO] = []
    name = _first_free(path, lambda part: opened.append(FileIO(part, "x+b")))
    return name, opened[0]


def _first_free(path: Path, take: Callable[[Path], object]) -> Path:
    """The first name for a part of `path` that can be taken, which fails if it exists already."""
    stem = path.stem
    for number in count(1):
        name = ("partial" if number == 1 else f"partial-{number}") + path.suffix
        part = path.with_name(f"{stem}.{name}" if stem else name)
        try:
            take(part)
            return part
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG or not stem:
                raise
            stem = ""
    raise AssertionError("there is always a next number")


def _open_nameless(folder: Path) -> FileIO | None:
    """Make a file without a name in a folder; None where that is not possible."""
    try:
        file = FileIO(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "r+b")
    except (AttributeError, OSError):  # another system, or its file system cannot
        return None
    if os.path.exists(_name_of(file)):
        return file
    file.close()
    return None


def _name_of(file: FileIO) -> str:
    """Another name of an open file, which Linux has."""
    return f"/proc/self/fd/{file.fileno()}"


def _sync_folder(folder: Path) -> None:
    """Write a folder to the disk, where the system can."""
    with suppress(OSError):  # Windows cannot open folders, and some file systems not sync them
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
