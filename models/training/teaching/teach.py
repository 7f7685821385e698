"""Teach a classifier other actions: a head in seconds, and training where it pays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from models.action.strl import STRL
from models.data.pyskl import Clip
from models.training.evaluation import fit_temperature, predict
from models.training.recipes import clip_identities
from models.training.teaching.course import Course, CourseSettings, Tell
from models.training.teaching.discriminant import Discriminant, add_labels, replace_labels
from models.training.teaching.judge import Taught, draw_checks, judge
from models.training.teaching.practice import plan_epochs, train

SPARED = 0.1
"""Share of the windows of an added label that may go to what was known before."""


def teach(
    base: STRL,
    clips: Sequence[Clip],
    people: Mapping[str, int],
    performers: Sequence[str] | None,
    settings: CourseSettings,
    tell: Tell = lambda line: None,
    first: Callable[[Taught], None] = lambda taught: None,
) -> Taught:
    """Teach a classifier the labels of clips.

    A head is fitted to its features first. Then, as far as there is time, the network is trained:
    once without each part of the clips, to see whether it tells them better than the head does, and
    if so, with all of them. A run that was interrupted goes on from `settings.work_dir`.

    Args:
        base, clips, people, performers, settings, tell: as of `Course`.
        first: called with what the head alone gives, as soon as there is one.

    Raises:
        UserError: as `Course`; or the folder cannot be written.
    """
    course = Course(base, clips, people, performers, settings, tell)
    parts = sorted({part for part in course.parts if part >= 0})
    heads = {part: course.discriminant(part) for part in parts}
    scale = _scale(course, heads)
    heads = {part: head.scaled(scale) for part, head in heads.items()}
    whole = course.discriminant(None).scaled(scale)
    if settings.extend:
        spare = _spare(course, heads)
        heads = {part: head.lowered(spare) for part, head in heads.items()}
        whole = whole.lowered(spare)
    fitted = {part: _model(course, head) for part, head in heads.items()}
    checks = draw_checks(course, parts)
    taught = judge(course, fitted, checks, _model(course, whole))
    taught.accuracies["head"] = taught.accuracy
    tell(f"a new head is right about {taught.accuracy:.0%} of the clips that it did not see")
    first(taught)
    # Training would change what the base knows, and its clips are not here.
    epochs = 0 if settings.extend else plan_epochs(course, taught.model, len(parts) + 1)
    if not epochs:
        return taught
    trained = {part: train(course, fitted[part], part, epochs) for part in parts}
    better = judge(course, trained, checks, taught.model)
    taught.accuracies["trained"] = better.accuracy
    tell(f"the network trained further is right about {better.accuracy:.0%} of them")
    if better.worth <= taught.worth:
        return taught
    model = train(course, taught.model, None, epochs)
    model.temperature, model.thresholds = better.model.temperature, better.model.thresholds
    return replace(better, model=model, trained=True, accuracies=taught.accuracies)


def _model(course: Course, head: Discriminant) -> STRL:
    make = add_labels if course.settings.extend else replace_labels
    model = make(course.base, course.labels, head)
    model.clips = [*course.base.clips, *clip_identities(course.clips)]
    return model


def _scale(course: Course, heads: Mapping[int, Discriminant]) -> float:
    """The factor at which the log-odds of held-out clips are those of probabilities.

    With `extend`, they are at the temperature of the base.
    """
    held = [index for index, part in enumerate(course.parts) if part >= 0]
    logits = torch.cat([heads[course.parts[i]](course.features[0][i]) for i in held])
    target = torch.cat([torch.full((len(course.features[0][i]),), course.targets[i]) for i in held])
    wanted = course.base.temperature if course.settings.extend else 1.0
    return wanted / fit_temperature(logits, target)


def _spare(course: Course, heads: Mapping[int, Discriminant]) -> Tensor:
    """By how much added labels can be lowered and still win most of their held-out windows, [L].

    So they win little else.
    """
    margins: list[list[Tensor]] = [[] for _ in course.labels]
    own = len(course.base.labels)
    models = {part: _model(course, head) for part, head in heads.items()}
    for index, part in enumerate(course.parts):
        target = course.targets[index]
        if part >= 0 and target < len(course.labels):
            logits = predict(models[part], course.windows[index])
            right = logits[:, own + target].clone()
            logits[:, own + target] = -torch.inf
            margins[target].append(right - logits.amax(dim=1))
    spare = [torch.cat(found).quantile(SPARED) if found else torch.zeros(()) for found in margins]
    return torch.stack(spare).nan_to_num(0.0, 0.0, 0.0).clamp(min=0)
