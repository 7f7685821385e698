"""How well the classifier tells actions with a label from actions that it has never seen.

    python weights/evaluate_unknown.py --data *.pkl --known xsub_val test1 --unknown train \\
        --trained train1 xsub_train --labels models/configs/live_labels.json

Known are the clips of labels in some splits; unknown are those of the classes that the label map
leaves out, and so were in no training, in others. A file need not have all of the splits. The table
gives the area under the ROC curve of each score: 1 if every known clip scores above every unknown
one, 0.5 by chance.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from models.action.strl import STRL
from models.data.pyskl import Clip, labelled, read, read_label_map, relabel
from models.training.evaluation import format_figures, seen_in_training
from models.training.novelty import novelty
from pipeline.engine import WEIGHTS


def load(paths: Sequence[Path], splits: Sequence[str]) -> list[Clip]:
    """The clips in any of the splits, of the files that have them."""
    files = [read(path) for path in paths]
    return [
        clip
        for file in files
        for clip in file.split([split for split in splits if split in file.splits])
    ]


def left_out(clips: list[Clip], mapping: dict[str, str | None]) -> list[Clip]:
    """The clips of the classes that a label map leaves out."""
    return [
        clip
        for clip in clips
        if mapping.get(f"{clip.source}/{clip.label}", mapping.get(clip.label)) is None
    ]


def main() -> None:
    """Run the program."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--data", type=Path, nargs="+", required=True, help="PYSKL pickles")
    command.add_argument("--labels", type=Path, required=True, help="the label map")
    for name in ("known", "unknown", "trained"):
        command.add_argument(f"--{name}", nargs="+", required=True, metavar="SPLIT")
    command.add_argument("--mode", choices=("clip", "window"), default="window")
    command.add_argument("--weights", type=Path, default=WEIGHTS)
    options = command.parse_args()
    mapping = read_label_map(options.labels)
    model = STRL.load(options.weights)
    known, trained = (
        labelled(relabel(load(options.data, splits), mapping))
        for splits in (options.known, options.trained)
    )
    known = [
        clip for clip, seen in zip(known, seen_in_training(model, known), strict=True) if not seen
    ]
    unknown = left_out(load(options.data, options.unknown), mapping)
    print(f"{len(known)} known clips, {len(unknown)} unknown ones")
    print(format_figures(novelty(model, known, unknown, trained, options.mode)))


if __name__ == "__main__":
    main()
