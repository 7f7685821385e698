"""What was learnt, in figures and in words: how often it is right, what is mixed up, what helps."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from models.action.label import NOTHING
from models.data.pyskl import Clip
from models.text import printable
from models.training.teaching.judge import Answer, Taught
from pipeline.extract.clips import Remark
from pipeline.extract.dataset import LabelSummary

ENOUGH = 10
"""Clips of a label that are worth having at least."""
MIXED = 0.15
"""Share of the clips of a label taken for another one from which it is worth advice."""
SIDE = 0.35
"""Distance of the shoulders, in torso lengths, below which somebody is seen from the side. From the
front it is about 0.7 (see `models.sample`)."""
_NORMAL = 1.96
"""Standard deviations to each side of an interval of 95 %."""


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927); all of it if nothing was counted."""
    if not total:
        return 0.0, 1.0
    share, square = right / total, _NORMAL**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = sqrt(share * (1 - share) / total + square / (4 * total**2))
    half *= _NORMAL / (1 + square / total)
    return max(middle - half, 0.0), min(middle + half, 1.0)


@dataclass(frozen=True)
class Report:
    """What was learnt from a folder of clips.

    Attributes:
        taught: the classifier, and its answers to the clips while they were held out.
        labels: what there is of each label.
        left_out: clips that could not be used, and why.
        notes: what is odd about others.
        by_person: whether people were held out, and not only clips.
        seconds: how long it took.
        extended: number of the labels that the classifier had before; 0 if they were replaced.
        named: whether clips have names that could tell who acts.
    """

    taught: Taught
    labels: list[LabelSummary]
    left_out: list[Remark]
    notes: list[Remark]
    by_person: bool
    seconds: float
    extended: int = 0
    named: bool = True

    @property
    def scored(self) -> list[Answer]:
        """The answers to clips with a label."""
        return self.taught.scored

    @property
    def accuracy(self) -> float:
        """Share of the clips whose label is the most probable one, while they were held out."""
        return self.taught.accuracy

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy, as if clips were independent of each other."""
        return wilson(sum(a.right for a in self.scored), len(self.scored))

    @property
    def false_alarms(self) -> tuple[int, int]:
        """Clips of `NOTHING` that got a label, and how many there are."""
        nothing = [a for a in self.taught.answers if a.clip.label == NOTHING]
        return sum(a.shown for a in nothing), len(nothing)

    @property
    def confusion(self) -> tuple[list[str], np.ndarray]:
        """Labels, and the number of clips by true (rows) and found label (columns)."""
        own = [label.label for label in self.labels if label.label != NOTHING]
        names = own + sorted({a.label for a in self.scored} - set(own))
        counts = np.zeros((len(names), len(names)), int)
        for answer in self.scored:
            counts[names.index(answer.clip.label), names.index(answer.label)] += 1
        return names, counts

    @property
    def wrong(self) -> list[Answer]:
        """The answers that are wrong, the surest first."""
        return sorted((a for a in self.scored if not a.right), key=lambda a: -a.probability)

    def summary(self) -> str:
        """The accuracy in a sentence."""
        low, high = self.interval
        held = "people" if self.by_person else "clips"
        right = sum(a.right for a in self.scored)
        return (
            f"{self.accuracy:.0%} of the clips are recognised ({right} of {len(self.scored)}; of "
            f"many more, probably {low:.0%} to {high:.0%}), tried on {held} that it had not seen"
        )

    def text(self) -> str:
        """Everything, for a terminal."""
        names, counts = self.confusion
        width = min(max(map(len, names), default=0), 40)
        lines = [self.summary(), ""]
        if self.scored:
            lines.append("confusion matrix (rows: true labels)")
            for name, row in zip(names, counts, strict=True):
                lines.append(f"{name[:width]:{width}} " + " ".join(f"{n:3d}" for n in row))
            lines.append("")
        return "\n".join([*lines, *self.remarks(), *self.advice()])

    def remarks(self) -> list[str]:
        """What else was measured, each in a sentence."""
        found = []
        shown = [a for a in self.scored if a.shown]
        if self.scored:
            found.append(
                f"a label is sure enough to be shown in {len(shown)} of these clips, and right in "
                f"{sum(a.right for a in shown)} of them"
            )
        alarms, total = self.false_alarms
        if total:
            found.append(f"{alarms} of {total} clips of {NOTHING} get a label")
        if "trained" in self.taught.accuracies:
            head, trained = (self.taught.accuracies[way] for way in ("head", "trained"))
            kept = "the trained network" if self.taught.trained else "the head alone"
            found.append(
                f"a new head on the network is right about {head:.0%}, and the network trained "
                f"further about {trained:.0%}: {kept} was kept"
            )
        if self.taught.mirrored:
            found.append("some labels are each other's mirror image: clips were not mirrored")
        if self.extended:
            found.append(f"the {self.extended} labels of before are kept")
        return found

    def advice(self) -> list[str]:
        """What would help, each in a sentence."""
        found = []
        best = max(Counter(a.clip.label for a in self.scored).values(), default=0)
        if len(self.labels) > 1 and self.scored and self.interval[0] <= best / len(self.scored):
            found.append(
                "this is hardly better than always giving the same label: what tells these labels "
                "apart may be too fine for 17 joints at this size, or not be in the clips"
            )
        names, counts = self.confusion
        measured = counts.sum(axis=1)
        for row, column in np.argwhere(counts):
            share = counts[row, column] / measured[row]
            if row != column and share >= MIXED:
                found.append(self._for_mixed(names[row], names[column], int(counts[row, column])))
        for label in self.labels:
            if label.clips == 1:
                found.append(
                    f"{label.label} has one clip, so that it could not be tried: record more"
                )
            elif label.clips < ENOUGH // 2:
                found.append(f"{ENOUGH - label.clips} more clips of {label.label} would help")
        if not self.by_person:
            advice = (
                "begin them with a name, as in anna_wave.mp4" if self.named else "let others act"
            )
            why = "names do not say" if self.named else "nobody knows"
            found.append(f"{why} who acts, so new people may be recognised less often: {advice}")
        return [printable(text) for text in found]

    def _for_mixed(self, label: str, other: str, count: int) -> str:
        """Advise on a label that is taken for another one."""
        clips = [a for a in self.scored if a.clip.label == label]
        more = max(ENOUGH - len(clips), ceil(len(clips) / 2))
        return (
            f"{label} is taken for {other} in {count} of {len(clips)} clips: {more} more clips of "
            f"{label}{_view(clips)} would help"
        )


def from_side(clip: Clip) -> bool:
    """Whether the first person of a clip is seen from the side most of the time."""
    shoulders = clip.keypoints[0, :, 5:7]
    seen = (shoulders[..., 2] > 0).all(axis=1)
    if not seen.any():
        return True
    apart = np.abs(shoulders[seen, 0, 0] - shoulders[seen, 1, 0])
    return bool(np.median(apart) < SIDE * clip.unit)


def _view(answers: Sequence[Answer]) -> str:
    """From where to record, if it is one view that goes wrong."""
    sides = [from_side(a.clip) for a in answers]
    wrong = _share(side for side, a in zip(sides, answers, strict=True) if not a.right)
    right = _share(side for side, a in zip(sides, answers, strict=True) if a.right)
    if wrong - right > 0.5:
        return " from the side"
    return " from the front" if right - wrong > 0.5 and any(a.right for a in answers) else ""


def _share(values: Iterable[bool]) -> float:
    counted = list(values)
    return sum(counted) / len(counted) if counted else 0.0
