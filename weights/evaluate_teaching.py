"""How well actions are taught: on people, or on clips, that the teaching did not see.

    python weights/evaluate_teaching.py weizmann.pkl --people 2
    python weights/evaluate_teaching.py ut_interaction_1.pkl --clips 5 --seeds 0 1 2
    python weights/evaluate_teaching.py utd_mhad_3d.pkl --train xsub_train --test xsub_val --clips 5

With `--people N`, every way of leaving N people out is tried, people being told apart by the names
of the clips. With `--clips N`, N clips of each label are drawn for each seed, 2 at least, and tried
are the others, or those of `--test`. A clip is right if its label has the highest mean probability
over its windows.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import mean, stdev

import torch

from models.action.strl import STRL
from models.data.pyskl import Clip, labelled, read
from models.errors import UserError
from models.training.evaluation import predict
from models.training.studies import subsample
from models.training.teaching.course import CourseSettings, windows_of
from models.training.teaching.judge import answer
from models.training.teaching.people import performers
from models.training.teaching.teach import teach
from pipeline.engine import WEIGHTS


@dataclass(frozen=True)
class Trial:
    """Clips to learn, and clips to try that were not learnt."""

    name: str
    learnt: list[Clip]
    tried: list[Clip]


def by_people(clips: Sequence[Clip], count: int) -> Iterator[Trial]:
    """Leave out so many people, in every way there is.

    Raises:
        UserError: names do not tell people apart.
    """
    acting = performers([_file(clip) for clip in clips], [clip.label for clip in clips])
    if acting is None:
        raise UserError("the names of the clips do not tell people apart: use --clips")
    for out in combinations(sorted(set(acting)), count):
        learnt = [clip for clip, person in zip(clips, acting, strict=True) if person not in out]
        tried = [clip for clip, person in zip(clips, acting, strict=True) if person in out]
        yield Trial(f"without {', '.join(out)}", learnt, tried)


def by_clips(
    clips: Sequence[Clip], tried: Sequence[Clip] | None, count: int, seeds: Sequence[int]
) -> Iterator[Trial]:
    """Learn so many clips of each label, drawn anew for each seed."""
    for seed in seeds:
        learnt = {clip.name: clip for clip in subsample(list(clips), count, seed)}
        rest = [clip for clip in clips if clip.name not in learnt] if tried is None else tried
        yield Trial(f"{count} clips a label, seed {seed}", list(learnt.values()), list(rest))


def accuracy(base: STRL, trial: Trial, minutes: float, seed: int) -> float:
    """Teach as `apps/teach.py` does, and return the share of the tried clips that are right."""
    people = {clip.label: min(len(clip.keypoints), 2) for clip in trial.learnt}
    acting = performers([_file(clip) for clip in trial.learnt], [c.label for c in trial.learnt])
    with tempfile.TemporaryDirectory() as folder:
        settings = CourseSettings(Path(folder), 60 * minutes, seed=seed)
        model = teach(base, trial.learnt, people, acting, settings).model
    right = [
        answer(clip, predict(model, windows_of(clip)), model).right
        for clip in labelled(trial.tried)
    ]
    return mean(right)


def _file(clip: Clip) -> str:
    return clip.name.split("/", 1)[1]


def main() -> None:
    """Run the program."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("data", type=Path, help="a PYSKL pickle, as of apps/extract.py")
    way = command.add_mutually_exclusive_group(required=True)
    way.add_argument("--people", type=int, metavar="N", help="leave out so many people")
    way.add_argument("--clips", type=int, metavar="N", help="learn so many clips of each label")
    command.add_argument("--train", metavar="SPLIT", help="clips to learn from (default: all)")
    command.add_argument("--test", metavar="SPLIT", help="clips to try (default: the others)")
    command.add_argument("--seeds", type=int, nargs="+", default=[0])
    command.add_argument("--minutes", type=float, default=0.0, help="time to train (default 0)")
    command.add_argument("--weights", type=Path, default=WEIGHTS, help="what to start from")
    command.add_argument("--scratch", action="store_true", help="start from random weights")
    command.add_argument("--threads", type=int, default=1)
    options = command.parse_args()
    torch.set_num_threads(options.threads)
    base = STRL.load(options.weights)
    if options.scratch:
        torch.manual_seed(options.seeds[0])
        base = STRL(base.labels, **base.hyperparameters).eval()
    data = read(options.data)
    clips = data.split([options.train]) if options.train else list(data.clips.values())
    if options.people:
        trials = by_people(clips, options.people)
    else:
        tried = data.split([options.test]) if options.test else None
        trials = by_clips(clips, tried, options.clips, options.seeds)
    found = []
    for number, trial in enumerate(trials):
        found.append(accuracy(base, trial, options.minutes, number))
        print(f"{trial.name}: {found[-1]:.1%} of {len(trial.tried)}", flush=True)
    spread = f", standard deviation {stdev(found):.1%}" if len(found) > 1 else ""
    print(f"mean {mean(found):.1%}{spread}")


if __name__ == "__main__":
    main()
