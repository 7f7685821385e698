"""Judge models by what they did not see, and calibrate by it."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from models.action.label import NOTHING
from models.action.strl import STRL
from models.data.pyskl import Clip
from models.data.windows import Window
from models.training.evaluation import fit_temperature, fit_threshold, predict
from models.training.teaching.course import Course

CHECKS = 200
"""Windows of each part that thresholds are fitted to, negatives among them."""

Checks = Mapping[int, tuple[list[Window], Tensor]]
"""Of each part, augmented windows of its clips and negatives, and their targets."""


@dataclass
class Answer:
    """What is said of a clip by a model that never saw it.

    Attributes:
        clip: the clip.
        label: the most probable label.
        probability: its mean over the clip.
        shown: whether the label reaches its threshold at any moment, and so would be shown.
    """

    clip: Clip
    label: str
    probability: float
    shown: bool

    @property
    def right(self) -> bool:
        """Whether the label is that of the clip."""
        return self.label == self.clip.label


@dataclass
class Taught:
    """The result.

    Attributes:
        model: the classifier, calibrated.
        answers: of each clip that was held out once, `NOTHING` among them.
        trained: whether the network was trained, and not its head alone.
        accuracies: share of right answers, without `NOTHING`, by way of teaching.
        mirrored: whether some labels are each other's mirror image.
    """

    model: STRL
    answers: list[Answer]
    trained: bool = False
    accuracies: dict[str, float] = field(default_factory=dict)
    mirrored: bool = False

    @property
    def scored(self) -> list[Answer]:
        """The answers to clips with a label."""
        return [said for said in self.answers if said.clip.label != NOTHING]

    @property
    def accuracy(self) -> float:
        """Share of right answers to clips with a label."""
        return float(np.mean([said.right for said in self.scored]))

    @property
    def worth(self) -> tuple[float, float]:
        """By what a way of teaching is chosen: the accuracy, then how sure right answers are."""
        sure = sum(a.probability if a.right else -a.probability for a in self.scored)
        return self.accuracy, sure


def draw_checks(course: Course, parts: Sequence[int]) -> Checks:
    """Draw the windows by which thresholds are fitted."""
    checks = {}
    for part in parts:
        if drawn := course.samples(part, True, CHECKS, course.settings.seed + 1):
            samples = [drawn[index] for index in range(CHECKS)]
            target = torch.tensor([target for _, _, target in samples])
            checks[part] = [sample[:2] for sample in samples], target
    return checks


def judge(course: Course, models: Mapping[int, STRL], checks: Checks, result: STRL) -> Taught:
    """Let each model answer for the part that it did not see, and calibrate a copy of the result.

    With `extend`, calibration stays that of the base.

    Args:
        course: the clips.
        models: by the part that they did not see.
        checks: of `draw_checks`.
        result: the model to calibrate.
    """
    result = copy.deepcopy(result)
    logits = {
        index: predict(models[part], course.windows[index])
        for index, part in enumerate(course.parts)
        if part >= 0
    }
    if not course.settings.extend:
        targets = {index: course.targets[index] for index in logits}
        _calibrate(result, models, checks, [(logits[i], targets[i]) for i in logits])
    answers = [answer(course.clips[i], found, result) for i, found in logits.items()]
    return Taught(result, answers, mirrored=course.mirrored)


def answer(clip: Clip, logits: Tensor, model: STRL) -> Answer:
    """Say of a clip what a model does, from the logits of its windows [W, labels + 1]."""
    probability = model.probabilities(logits)[:, :-1]
    mean = probability.mean(dim=0)
    best = int(mean.argmax())
    label = model.labels[best]
    least = label.least(model.thresholds, max(label.people, 1))
    shown = bool(probability[:, best].amax() >= least)
    return Answer(clip, label.name, float(mean[best]), shown)


def _calibrate(
    model: STRL,
    models: Mapping[int, STRL],
    checks: Checks,
    clips: Sequence[tuple[Tensor, int]],
) -> None:
    """Fit temperature and thresholds in place: to the checks, the temperature to clips as well."""
    logits = [predict(models[part], windows) for part, (windows, _) in checks.items()]
    targets = [target for _, target in checks.values()]
    more = [torch.full((len(found),), target) for found, target in clips]
    every, known = torch.cat(logits + [found for found, _ in clips]), torch.cat(targets + more)
    model.temperature = possible_temperature(every, known)
    people = torch.tensor(
        [
            int(present.any(axis=(1, 2)).sum())
            for windows, _ in checks.values()
            for _, present in windows
        ]
    )
    every, known = torch.cat(logits), torch.cat(targets)
    for count in model.thresholds:
        these = people == count
        none = known[these] == len(model.labels)
        if none.any() and not none.all():
            model.thresholds[count] = fit_threshold(model, every[these], known[these])


def possible_temperature(logits: Tensor, target: Tensor) -> float:
    """Fit the temperature to the windows whose label is possible.

    A clip of two people has windows in which one is seen, to which its label is not.
    """
    possible = logits.gather(1, target[:, None])[:, 0].isfinite()
    return fit_temperature(logits[possible], target[possible])
