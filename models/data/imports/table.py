"""Skeletons as CSV: a row a person and frame, in the order of the frames.

The first line names the columns: `frame` (a number) or `time` (seconds); `person`, if there may be
several (anything that tells them apart); and for each joint `NAME_x` and `NAME_y` in pixels and, if
known, `NAME_score` in 0..1. NAME is that of a joint of any known layout, such as `left_wrist`. An
empty cell is a missing joint, and other columns are ignored.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from models.data.imports.given import Given, checked
from models.data.recording import Recording, extent, present_only, trajectories
from models.skeleton import JOINTS, joint_sources, to_coco

FORM = "a CSV file of skeletons"


def read(path: Path, given: Given) -> Recording:
    """Read a file.

    Raises:
        UserError: it cannot be read, or is damaged.
    """
    people: dict[str, list[tuple[int, np.ndarray]]] = {}
    moments: list[float] = []
    with checked(path, FORM), path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        try:
            clock, names = _columns(rows.fieldnames or ())
            for row in rows:
                if None in row:
                    raise ValueError("there are more cells than columns")
                moment = float(row[clock])
                if not moments or moment > moments[-1]:
                    moments.append(moment)
                elif moment != moments[-1]:
                    raise ValueError(f"the {clock} goes back, or is no number")
                appearances = people.setdefault(row.get("person") or "", [])
                if appearances and appearances[-1][0] == len(moments) - 1:
                    raise ValueError("the same person is twice in a frame")
                appearances.append((len(moments) - 1, _pose(row, names)))
        except (csv.Error, ValueError, TypeError) as error:
            raise ValueError(f"line {rows.line_num}: {error}") from error
    times = np.array(moments)
    found = trajectories(people)
    size = given.size or extent([person.keypoints for person in found])
    scale = 1.0 if clock == "time" else given.fps
    return Recording((times - times[:1]) / scale, size, found)


def _columns(names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the column of the time, and the joints' names by those of their columns."""
    clock = next((name for name in ("time", "frame") if name in names), None)
    if clock is None:
        raise ValueError("there is no column time or frame")
    joints = {
        name[:-2]: " ".join(name[:-2].lower().replace("_", " ").split())
        for name in names
        if name.endswith("_x") and f"{name[:-2]}_y" in names
    }
    if all(source is None for source in joint_sources(tuple(joints.values()))):
        raise ValueError(f"no column is that of a joint, such as {JOINTS[9].replace(' ', '_')}_x")
    return clock, joints


def _pose(row: Mapping[str, str | None], names: Mapping[str, str]) -> np.ndarray:
    """Return the pose [17, 3] of a row."""

    def number(column: str, otherwise: float) -> float:
        return float(row.get(column) or otherwise)

    joints = [
        [number(f"{n}_x", np.nan), number(f"{n}_y", np.nan), number(f"{n}_score", 1.0)]
        for n in names
    ]
    return to_coco(present_only(np.array(joints)), tuple(names.values()))
