"""Which videos there are: in folders, by patterns, in lists, and by name."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from models.errors import UserError
from models.files import visible_files
from models.part import reason
from pipeline.batch.places import READ_ONLY, file_system, is_remote, read

SUFFIXES = frozenset(
    (
        *(".3gp", ".asf", ".avi", ".dv", ".flv", ".gif", ".ivf", ".m2ts", ".m4v", ".mkv", ".mov"),
        *(".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".obu", ".ogg", ".ogv", ".ts", ".vob"),
        *(".webm", ".wmv", ".wtv", ".y4m"),
    )
)
"""Of the files in folders that are taken for videos."""

ANNOTATED = ".annotated.mp4"
"""End of the names of our own videos, which are not processed again."""


@dataclass(frozen=True)
class Video:
    """A video to process.

    Attributes:
        name: with slashes: in its folder, or as it was written, without what leads out of a folder.
        place: its path or address.
    """

    name: str
    place: str


def find_videos(sources: Sequence[str]) -> list[Video]:
    """Find videos.

    Args:
        sources: each a folder, a pattern such as `videos/*.mp4`, a text file with the path or
            address of a video on each line, a video, or the address of one of these by fsspec; an
            address ends in a slash if it is a folder's. Paths in a list are relative to it.

    Returns:
        The videos in order, each once.

    Raises:
        UserError: there are none, something cannot be read, or two have the same name.
    """
    found: dict[str, Video] = {}
    for source in sources:
        videos = list(_videos(source))
        if not videos:
            raise UserError(
                f"no video in {source}: their names end in .mp4, .mkv, .mov or the like"
            )
        for video in videos:
            other = found.setdefault(video.name, video)
            if other.place != video.place:
                raise UserError(
                    f"{other.place} and {video.place} would have the same results, {video.name}: "
                    "rename one, or name a folder that both are in"
                )
    return list(found.values())


def _videos(source: str) -> Iterator[Video]:
    if is_remote(source):
        yield from _remote(source)
    elif Path(source).is_dir():
        yield from _in_folder(Path(source))
    elif Path(source).suffix.lower() == ".txt":
        yield from _listed(source)
    elif Path(source).exists() or not glob.has_magic(source):
        yield _named(source)
    else:
        for path in sorted(glob.glob(source, recursive=True)):
            if _is_video(path) and Path(path).is_file():
                yield _named(path)


def _in_folder(folder: Path) -> Iterator[Video]:
    try:
        for path in visible_files(folder):
            if _is_video(path.name):
                yield Video(path.relative_to(folder).as_posix(), str(path))
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {reason(error)}") from error


def _listed(source: str) -> Iterator[Video]:
    content = read(source)
    if content is None:
        raise UserError(f"no such list: {source}")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{source} is not a list of paths: {error}") from error
    for line in map(str.strip, lines):
        if line and not line.startswith("#"):
            here = is_remote(line) or is_remote(source)
            yield _named(line, line if here else str(Path(source).parent / line))


def _remote(source: str) -> Iterator[Video]:
    if source.endswith(".txt"):
        yield from _listed(source)
        return
    magic = "*" if source.startswith(READ_ONLY) else "*?["  # `?` begins a query
    pattern = any(c in source for c in magic)
    if not pattern and not source.endswith("/"):
        yield _named(source)
        return
    with file_system(source) as (system, path):
        places = sorted(system.glob(path) if pattern else system.find(path))
        folder = system.unstrip_protocol(path).rstrip("/") + "/"
        for place in map(system.unstrip_protocol, places):
            inside = place.removeprefix(folder)
            if _is_video(place) and not inside.startswith(".") and "/." not in inside:
                yield _named(place) if pattern else Video(inside, place)


def _named(written: str, place: str | None = None) -> Video:
    """A video by its name as it was written: without scheme, root and `..`."""
    remote = is_remote(written)
    path = Path(written.partition("://")[2].partition("?")[0] if remote else written)
    parts = [part for part in path.parts if part not in ("..", path.anchor)]
    return Video(PurePosixPath(*parts).as_posix(), place or (written if remote else str(path)))


def _is_video(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not name.endswith(ANNOTATED)
