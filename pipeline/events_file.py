"""Events of a video, read back from a file."""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Event:
    """One action of one or two people, as in `pipeline.sink.EventsSink`.

    Attributes:
        start, end: in seconds.
        who: ids, such as "1" or "1+2".
        label: of the action.
        score: mean probability.
    """

    start: float
    end: float
    who: str
    label: str
    score: float


def read_events(path: Path) -> list[Event]:
    """Read a CSV file of `EventsSink`."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Event(
                start=float(row["start"]),
                end=float(row["end"]),
                who=row["who"],
                label=row["label"],
                score=float(row["score"]),
            )
            for row in csv.DictReader(file)
        ]
