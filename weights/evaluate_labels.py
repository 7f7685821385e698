"""What the program says of labelled videos, from end to end: a folder a label, or a list.

    python weights/evaluate_labels.py clips/weizmann --labels models/configs/live_labels.json
    python weights/evaluate_labels.py list.csv --split test --people 2 --each

Each row of the table is a label: of how many clips it was shown, of how many a wrong label was, and
of how many it was shown and no wrong one. Wrong is every other label, but for what people do as
they come and go: who is on the way is rightly said to walk, or to approach. Nor is it wrong to say
of one who kicks someone that they kick. Of clips of "nothing" every label is wrong. The last column
is the number of wrong labels a minute.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from models.action.label import NOTHING
from models.data.pyskl import dataset_name, read_label_map
from pipeline.engine import Pipeline
from pipeline.events import Event, Events
from pipeline.extract.clips import LabelledClip, find_clips
from pipeline.source import open_source

ON_THE_WAY = frozenset({"walk", "run", "approach", "walk away"})
"""Labels that are not wrong in a clip of another action."""


@dataclass
class Figures:
    """Counts over the clips of a label; `seconds` of video."""

    clips: int = 0
    shown: int = 0
    wrong: int = 0
    right_only: int = 0
    wrong_events: int = 0
    seconds: float = 0.0

    def add(self, label: str, events: Sequence[Event], seconds: float) -> None:
        """Count a clip."""
        own = {label, label.removesuffix(" someone")}
        allowed = own if label == NOTHING else own | ON_THE_WAY
        wrong = sum(event.label not in allowed for event in events)
        shown = any(event.label == label for event in events)
        self.clips += 1
        self.shown += shown
        self.wrong += wrong > 0
        self.right_only += shown and not wrong
        self.wrong_events += wrong
        self.seconds += seconds

    def __str__(self) -> str:
        shares = (100 * count / self.clips for count in (self.shown, self.wrong, self.right_only))
        cells = "  ".join(f"{share:7.1f}" for share in shares)
        return f"{self.clips:5}  {cells}  {60 * self.wrong_events / self.seconds:11.1f}"


@dataclass
class Table:
    """Figures of each label, and of all of them."""

    rows: dict[str, Figures] = field(default_factory=dict)

    def add(self, label: str, events: Sequence[Event], seconds: float) -> None:
        """Count a clip."""
        for name in (label, "all"):
            self.rows.setdefault(name, Figures()).add(label, events, seconds)

    def __str__(self) -> str:
        head = f"{'label':24} clips  shown %  wrong %  right %  wrong a min"
        rows = sorted(self.rows, key=lambda name: (name == "all", name))
        return "\n".join([head, *(f"{name:24} {self.rows[name]}" for name in rows)])


def watch(pipeline: Pipeline, clip: Path) -> tuple[list[Event], float]:
    """The events of a video, and its seconds.

    Raises:
        UserError: it cannot be read.
    """
    pipeline.reset()
    events = Events()
    time = 0.0
    with open_source(clip) as source:
        for frame in source:
            time = frame.time
            events.update(time, pipeline(frame).actions)
    return list(events.log), time


def chosen(options: argparse.Namespace) -> list[LabelledClip]:
    """The clips to watch."""
    clips, _ = find_clips(options.clips)
    return [clip for clip in clips if options.split in (None, clip.split)]


def main() -> None:
    """Run the program."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("clips", type=Path, help="a folder with a folder a label, or a CSV list")
    command.add_argument("--labels", type=Path, help="JSON map from class names to labels")
    command.add_argument("--name", help="of the data set (default: of the folder)")
    command.add_argument("--split", help="of the list: only these clips")
    command.add_argument("--weights", type=Path, help="another classifier")
    command.add_argument("--people", type=int, default=2, help="at most (default 2)")
    command.add_argument("--each", action="store_true", help="a line for each clip too")
    options = command.parse_args()
    folder = options.clips if options.clips.is_dir() else options.clips.parent
    name = options.name or dataset_name(folder.name)
    mapping = read_label_map(options.labels) if options.labels else {}
    weights = {} if options.weights is None else {"weights": options.weights}
    pipeline = Pipeline(options.people, **weights)
    table = Table()
    for clip in tqdm(chosen(options), unit=" clips", dynamic_ncols=True):
        label = mapping.get(f"{name}/{clip.label}", mapping.get(clip.label, clip.label))
        if label is None:
            continue
        events, seconds = watch(pipeline, clip.path)
        table.add(label, events, seconds)
        if options.each:
            said = ", ".join(f"{e.label} {e.start:.1f} {e.score:.2f}" for e in events)
            tqdm.write(f"{label} {clip.path.stem}: {said}")
    print(table)


if __name__ == "__main__":
    main()
