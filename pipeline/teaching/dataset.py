"""Teach actions from a data set of skeletons, as `apps/extract.py` writes it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from models.action.label import NOTHING
from models.action.strl import STRL
from models.data import pyskl
from models.data.pyskl import Clip
from models.training.teaching.course import CourseSettings
from models.training.teaching.judge import Taught
from models.training.teaching.teach import teach
from pipeline.engine import WEIGHTS
from pipeline.extract.dataset import LabelSummary
from pipeline.teaching.report import Report


def teach_data(
    data: Path,
    settings: CourseSettings,
    weights: str | Path = WEIGHTS,
    tell: Callable[[str], None] = lambda line: None,
    first: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Teach the labels of a data set.

    Args:
        data: the data set, in PYSKL's format. A label is about as many people as its clips show.
        settings: how to teach.
        weights: what to start from.
        tell: told of each stage, in a line.
        first: called with what a new head alone gives, before the network is trained.

    Raises:
        UserError: a file cannot be read or written, or there are too few clips.
    """
    began = time.monotonic()
    base = STRL.load(weights)
    clips = list(pyskl.read(data).clips.values())
    labels = summarise(clips)

    def report(taught: Taught) -> Report:
        return Report(
            taught=taught,
            labels=labels,
            left_out=[],
            notes=[],
            by_person=False,
            seconds=time.monotonic() - began,
            extended=len(base.labels) if settings.extend else 0,
            named=False,
        )

    people = {label.label: label.people for label in labels if label.people is not None}
    return report(
        teach(base, clips, people, None, settings, tell, lambda taught: first(report(taught)))
    )


def summarise(clips: Sequence[Clip]) -> list[LabelSummary]:
    """Say what there is of each label."""
    labels: dict[str, LabelSummary] = {}
    for clip in sorted(clips, key=lambda clip: clip.label):
        label = labels.setdefault(clip.label, LabelSummary(clip.label, 1))
        if label.label == NOTHING:
            label.people = None
        else:
            label.people = max(label.people or 1, len(clip.keypoints))
        label.clips += 1
        label.seconds += float(clip.times[-1] - clip.times[0])
    return list(labels.values())
