"""Which clips there are, and what their labels are: from a folder, or from a list."""

import csv
from dataclasses import dataclass
from pathlib import Path

from models.data.imports import ntu, openpose
from models.errors import UserError
from models.files import visible_files
from models.part import is_part

HEADING = ["path", "label", "split"]
"""Columns of a list of clips."""


@dataclass(frozen=True)
class LabelledClip:
    """A clip to extract.

    Attributes:
        path: a video, or a file of skeletons; of OpenPose, the first frame.
        label: name of its class.
        name: identifies it in the data set: its path within the folder, or as in the list.
        split: name of a split of the data set that it is in, or None.
    """

    path: Path
    label: str
    name: str
    split: str | None = None


@dataclass(frozen=True)
class Remark:
    """What is to be known of a clip: why it is left out, or what is odd about it.

    Attributes:
        name: of the clip.
        text: a clause.
    """

    name: str
    text: str

    def __str__(self) -> str:
        return f"{printable(self.name)}: {printable(self.text)}"


Found = tuple[list[LabelledClip], list[Remark]]
"""Clips, and files that cannot be clips."""


def printable(text: object) -> str:
    """Text in one line that any terminal can show: what cannot be printed is escaped."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode()
        for c in str(text)
    )


def clause(error: UserError, path: Path) -> str:
    """Return what an error says of a file, without its path."""
    return str(error).removeprefix(f"{path} ").removeprefix(f"{path}: ")


def find_clips(source: Path, ignored: tuple[Path, ...] = ()) -> Found:
    """Find clips in a folder with a folder for each label, or in a list of paths and labels.

    Args:
        source: the folder, or the list (see `read_list`). A clip may lie deeper in its label's
            folder. Names that begin with a dot are skipped.
        ignored: files and folders that are the program's own.

    Returns:
        The clips in the order of their paths, and files that have no label.

    Raises:
        UserError: there is no such folder or list, or it cannot be read.
    """
    if source.is_file():
        return read_list(source)
    if not source.is_dir():
        raise UserError(f"no such folder or list: {source}")
    try:
        paths = list(visible_files(source, ignored))
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {error.strerror}") from error
    clips: list[LabelledClip] = []
    left_out: list[Remark] = []
    videos: set[tuple[Path, str]] = set()
    for path in paths:
        video = openpose.video_of(path)
        inside = path.relative_to(source)
        name = inside.as_posix()
        if video is not None:  # its first frame stands for all
            if (path.parent, video) in videos:
                continue
            videos.add((path.parent, video))
            name = (inside.parent / video).as_posix()
        label = inside.parts[0] if len(inside.parts) > 1 else ntu.label(path)
        if is_part(path):
            left_out.append(Remark(name, "it was not written to its end"))
        elif label is None:
            left_out.append(Remark(name, "it is in no label's folder"))
        else:
            clips.append(LabelledClip(path, label, name))
    return clips, left_out


def read_list(path: Path) -> Found:
    """Read a list of clips: CSV, in each line a path, a label and, optionally, a split.

    A first line `path,label` or `path,label,split` is a heading. Paths are relative to the list. A
    folder stands for the frames of OpenPose in it.

    Raises:
        UserError: the list cannot be read, or a line is something else.
    """
    clips: list[LabelledClip] = []
    left_out: list[Remark] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            for row in rows:
                cells = [cell.strip() for cell in row]
                if not any(cells) or (rows.line_num == 1 and cells == HEADING[: len(cells)]):
                    continue
                if len(cells) not in (2, 3) or not all(cells[:2]):
                    raise UserError(
                        f"{path}, line {rows.line_num}: not a path, a label and perhaps a split, "
                        "with commas between them"
                    )
                clip = path.parent / cells[0]
                if clip.is_dir():
                    frames = (f for f in sorted(clip.iterdir()) if openpose.video_of(f) is not None)
                    clip = next(frames, clip)
                if clip.is_file():
                    split = cells[2] if len(cells) > 2 and cells[2] else None
                    clips.append(LabelledClip(clip, cells[1], cells[0], split))
                else:
                    left_out.append(Remark(cells[0], "there is no such file"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not a list of paths and labels: {error}") from error
    return clips, left_out
