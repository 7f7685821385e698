"""What visitors have uploaded. Every upload has a folder of its own, so that nobody shares one."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from threading import Lock

from models.errors import UserError
from pipeline.web.quotas import Quotas


class Uploads:
    """The uploads of all visitors.

    An upload belongs to nobody at first: browsers do not say which page it is for. The page claims
    it for its visitor once it has arrived.

    Args:
        folder: for the uploads. It need not exist.
        stored: folder whose size counts as that of all visitors.
        quotas: how much there may be.
    """

    def __init__(self, folder: Path, stored: Path, quotas: Quotas):
        self._folder = folder
        self._stored = stored
        self._quotas = quotas
        self._claimed: set[Path] = set()
        self._arriving: list[int] = []
        self._changing = Lock()

    def new_folder(self) -> Path:
        """Name a folder for the next upload. It does not exist yet."""
        return self._folder / secrets.token_hex(16)

    @contextmanager
    def room_for(self, size: int) -> Iterator[None]:
        """Keep room for an upload of so many bytes while it arrives.

        Raises:
            UserError: there is none.
        """
        with self._changing:
            self.check_room(size + sum(self._arriving))
            self._arriving.append(size)
        try:
            yield
        finally:
            self._arriving.remove(size)

    def check_room(self, size: int = 0) -> None:
        """Check that all visitors together, and the disk, have room for so many bytes more.

        Raises:
            UserError: they have not.
        """
        if stored(self._stored) + size > self._quotas.stored_over_all:
            raise UserError(
                "too many videos are kept here at the moment: try again in some minutes"
            )
        if shutil.disk_usage(self._stored).free - size < self._quotas.spare:
            raise UserError("the disk of the machine that serves this page is nearly full")

    def claim(self, upload: Path) -> Path:
        """Take an upload that nobody has claimed.

        Returns:
            Its folder, for `release`.

        Raises:
            UserError: it is not there, or somebody has claimed it.
        """
        upload = upload.resolve()
        if not upload.is_relative_to(self._folder.resolve()) or not upload.is_file():
            raise UserError(f"{upload.name} is not here any more: upload it again")
        folder = self._folder / upload.relative_to(self._folder.resolve()).parts[0]
        with self._changing:
            if folder in self._claimed:
                raise UserError(f"{upload.name} is not here any more: upload it again")
            self._claimed.add(folder)
        return folder

    def release(self, folder: Path) -> None:
        """Delete a claimed upload."""
        shutil.rmtree(folder, ignore_errors=True)
        self._claimed.discard(folder)

    def drop(self, silence: float) -> None:
        """Delete what nobody has claimed, and nothing has been added to, for so many seconds."""
        if not self._folder.exists():
            return
        oldest = time.time() - silence
        for folder in set(self._folder.iterdir()) - self._claimed:
            if newest(folder) < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def stored(folder: Path) -> int:
    """Return the bytes of all files in a folder and in those below it."""
    return sum(found.st_size for found in _look(folder) if S_ISREG(found.st_mode))


def newest(folder: Path) -> float:
    """Return when a folder, or something in it, was last changed, as `time.time`."""
    return max((found.st_mtime for found in _look(folder)), default=0.0)


def _look(folder: Path) -> Iterator[os.stat_result]:
    """Status of a folder and of all in it, but for what is deleted meanwhile."""
    for place, _, names in os.walk(folder):
        for name in ("", *names):
            with suppress(FileNotFoundError):
                yield os.lstat(os.path.join(place, name))
