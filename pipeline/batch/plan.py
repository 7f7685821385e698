"""What is to do and what is done, of all videos; and in the end one table and a summary."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from io import BytesIO, StringIO
from pathlib import PurePosixPath
from typing import Any

from models.errors import UserError
from models.text import printable
from pipeline.batch.places import READ_ONLY, write
from pipeline.batch.record import Record, find_record, target
from pipeline.batch.videos import Video
from pipeline.batch.work import Job, Settings

COLUMNS = ("video", "start", "end", "who", "label", "score")


class Plan:
    """The videos to process, and what is known of them.

    Args:
        videos: all of them.
        out: the folder of all results; beside the videos if None.
        settings: how they are processed.

    Attributes:
        names: of all videos, in order.
        jobs: what is to do, by the name of the video.
        before: number of videos that were done by an earlier run.
        done: what is known of those that are done, by name.
        failed: why others cannot be done, by name.

    Raises:
        UserError: results cannot be written beside the videos, or weights not be read.
    """

    def __init__(self, videos: Sequence[Video], out: str | None, settings: Settings):
        if (out or "").startswith(READ_ONLY):
            raise UserError(f"{out} cannot be written: name another folder")
        if out is None and any(video.place.startswith(READ_ONLY) for video in videos):
            raise UserError("results cannot be written beside videos of http: say where with --out")
        self.names = [video.name for video in videos]
        self.jobs: dict[str, Job] = {}
        self.done: dict[str, Record] = {}
        self.failed: dict[str, str] = {}
        fingerprint = settings.fingerprint()
        for video in videos:
            job = Job(video, target(video, out), settings, fingerprint)
            try:
                record = find_record(video, job.target, fingerprint)
            except UserError as error:
                self.failed[video.name] = str(error)
                continue
            if record is None:
                self.jobs[video.name] = job
            else:
                self.done[video.name] = record
        self.before = len(self.done)

    def add(self, name: str, outcome: Record | str) -> None:
        """Take what became of a video."""
        if isinstance(outcome, Record):
            self.done[name] = outcome
        else:
            self.failed[name] = outcome

    @property
    def problems(self) -> dict[str, str]:
        """What is damaged, by the name of the video: its results are of what could be read."""
        return {name: r.problem for name, r in self._records() if r.problem is not None}

    def rows(self) -> list[dict[str, Any]]:
        """All events with the names of their videos, by `COLUMNS`."""
        return [
            {"video": name, **asdict(event)}
            for name, record in self._records()
            for event in record.events
        ]

    def summary(self, passed: float) -> dict[str, Any]:
        """Return what the run came to, for JSON.

        Args:
            passed: seconds that it took.
        """
        records = list(self.done.values())
        return {
            "videos": len(self.names),
            "done": len(records),
            "done before": self.before,
            "seconds passed": round(passed, 1),
            "seconds of video": round(sum(record.seconds for record in records), 1),
            "seconds of work": round(sum(record.work for record in records), 1),
            "people": sum(record.people for record in records),
            "events": sum(len(record.events) for record in records),
            "failed": self.failed,
            "damaged": self.problems,
            "notes": {name: r.note for name, r in self._records() if r.note is not None},
        }

    def _records(self) -> Iterator[tuple[str, Record]]:
        """Those that are done, in the order of the videos."""
        return ((name, self.done[name]) for name in self.names if name in self.done)


def check_table(place: str) -> None:
    """Check that a table of this name can be written.

    Raises:
        UserError: it is neither CSV nor Parquet, or Parquet needs what is not installed.
    """
    suffix = PurePosixPath(place).suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise UserError(f"the table {place} must end in .csv or .parquet")
    if suffix == ".parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise UserError(f"{place} needs pyarrow: install it, or write .csv") from error


def write_table(place: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write the table of all events.

    Args:
        place: of the table, which `check_table` has seen.
        rows: by `COLUMNS`.

    Raises:
        UserError: it cannot be written.
    """
    if place.lower().endswith(".csv"):
        text = StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "video": printable(row["video"])} for row in rows)
        return write(place, text.getvalue().encode())
    import pyarrow
    import pyarrow.parquet

    kinds = {name: pyarrow.float64() for name in ("start", "end", "score")}
    fields = [(name, kinds.get(name, pyarrow.string())) for name in COLUMNS]
    table = pyarrow.Table.from_pylist(
        [{**row, "video": printable(row["video"])} for row in rows], pyarrow.schema(fields)
    )
    content = BytesIO()
    pyarrow.parquet.write_table(table, content)
    write(place, content.getvalue())


def write_summary(place: str, summary: dict[str, Any]) -> None:
    """Write a summary as JSON.

    Raises:
        UserError: it cannot be written.
    """
    write(place, (json.dumps(summary, indent=2) + "\n").encode())
