"""What stays the same while labels are taught: clips, windows, features, negatives, and parts."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from models.action.label import NOTHING, Label
from models.action.strl import STRL
from models.data.live import LiveWindows
from models.data.puppet.clips import KNOWN, perform
from models.data.pyskl import Clip, labelled
from models.data.recording import THRESHOLD
from models.data.windows import FIRST_ANSWER, Window
from models.errors import UserError
from models.files import CONFIGS
from models.sample import span_window
from models.training.evaluation import predict
from models.training.recipes import read_config, training_windows
from models.training.teaching.discriminant import Discriminant, fit, read_features
from models.training.teaching.mirror import are_mirrored, mirror
from models.training.teaching.people import folds

PERIOD, MOST = 0.3, 8
"""Seconds between the windows of a clip, and how many there are at most."""
SAMPLES = 600
"""Augmented windows, negatives among them, that a head is fitted to besides those of the clips."""
PUPPETS = 6
"""Puppets of each action that are examples of "none of these"."""
STRANGE = 0.05
"""Mean probability of an action of the base in the clips below which puppets may show it."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class CourseSettings:
    """How to teach.

    Attributes:
        work_dir: folder of the state of an unfinished training.
        seconds: for training; with little time it is left out.
        extend: add the labels to those of the base, and train its head alone.
        seed: seed of all random numbers.
    """

    work_dir: Path
    seconds: float = 300.0
    extend: bool = False
    seed: int = 0


class Course:
    """Everything that stays the same while labels are taught.

    Args:
        base: the classifier to start from.
        clips: the clips, with people as their labels take; those of `NOTHING` take none.
        people: number of people of each label.
        performers: who acts in each clip, if that is known.
        settings: how to teach.
        tell: told of each stage, in a line.

    Attributes:
        labels: the labels that are taught, in the order of their names.
        parts: the part in which each clip is held out.

    Raises:
        UserError: no label has two clips, or with `extend` the base has one of the labels.
    """

    def __init__(
        self,
        base: STRL,
        clips: Sequence[Clip],
        people: Mapping[str, int],
        performers: Sequence[str] | None,
        settings: CourseSettings,
        tell: Tell,
    ):
        self.base, self.clips, self.settings, self.tell = base, list(clips), settings, tell
        self.labels = [Label(name, people[name]) for name in sorted(people)]
        names = [clip.label for clip in clips]
        self.parts = folds(names, performers)
        self._check(names)
        self.windows = [windows_of(clip) for clip in self.clips]
        turned = [windows_of(mirror(clip)) for clip in self.clips]
        acting = [index for index, name in enumerate(names) if name != NOTHING]
        self.mirrored = are_mirrored(
            [self.windows[index] for index in acting],
            [turned[index] for index in acting],
            [names[index] for index in acting],
        )
        self.config = self._config()
        self.targets = [self._target(name) for name in names]
        plain = self._features(self.windows)
        self.features = [plain]
        if not self.mirrored:
            self.features.append(self._features(turned))
        self.negatives = self._negatives()

    def _check(self, names: Sequence[str]) -> None:
        held = [part >= 0 and name != NOTHING for part, name in zip(self.parts, names, strict=True)]
        if not any(held):
            raise UserError("a label takes two clips at least, and better ten: record more")
        known = {label.name for label in self.base.labels} if self.settings.extend else set()
        if again := known & set(names):
            raise UserError(f"there is a label {sorted(again)[0]} already: name yours otherwise")

    def _config(self) -> Config:
        config = read_config(CONFIGS / "teach.py")
        settings = config.finetune
        settings.labels = [{"name": label.name, "people": label.people} for label in self.labels]
        # Somebody of a pair taken alone does none of the actions of one person.
        settings.solo = [label.name for label in self.labels if label.people == 2]
        settings.augmentation.mirror = not self.mirrored
        if self.settings.extend:  # what the base knows is what the new labels must leave alone
            settings.shares.nothing, settings.shares.negatives.recorded = 0.6, 2.0
        settings.model = self.base.hyperparameters | {"hidden": 2 * len(self.labels)}
        return config

    def _target(self, name: str) -> int:
        names = [label.name for label in self.labels]
        return names.index(name) if name in names else len(names)

    def _features(self, windows: Sequence[Sequence[Window]]) -> list[Tensor]:
        """Features of the windows of each clip."""
        found = self._read([window for clip in windows for window in clip])
        return list(found.split([len(clip) for clip in windows]))

    def _read(self, windows: Sequence[Window]) -> Tensor:
        return predict(lambda window, present: read_features(self.base, window, present), windows)

    def _negatives(self) -> list[Clip]:
        """Puppets that do something else, as far as the base tells."""
        logits = self.base.classifier[1:](torch.cat(self.features[0]))
        shares = self.base.probabilities(logits.detach()).mean(dim=0)
        strange = [
            label.name
            for label, share in zip(self.base.labels, shares, strict=False)
            if label.name in KNOWN and (share < STRANGE or self.settings.extend)
        ]
        numbers = range(PUPPETS)
        puppets = [perform(name, number) for name in strange for number in numbers]
        puppets += [perform(NOTHING, number) for number in range(4 * PUPPETS)]
        return [replace(clip, label=NOTHING) for clip in puppets]

    def samples(self, part: int | None, inside: bool, count: int, seed: int) -> LiveWindows | None:
        """Augmented windows of the clips in a part, or of all others, and of negatives.

        None if the clips have no label.
        """
        clips = [
            clip for clip, p in zip(self.clips, self.parts, strict=True) if (p == part) == inside
        ]
        if not labelled(clips):
            return None
        config = copy.deepcopy(self.config)
        own = sum(clip.label == NOTHING for clip in clips)
        if own:  # half of the strangers are the user's
            config.finetune.shares.sources = {"puppet": own / len(self.negatives)}
        config.finetune.length = count
        found = training_windows(config, clips, self.labels, seed, self.negatives)
        assert isinstance(found, LiveWindows)
        return found

    def discriminant(self, part: int | None) -> Discriminant:
        """Fit a head to all clips but those of a part; of None, to all."""
        chosen = [i for i, p in enumerate(self.parts) if p != part or part is None]
        features = [found[i] for found in self.features for i in chosen]
        known = [
            torch.full((len(found[i]),), self.targets[i]) for found in self.features for i in chosen
        ]
        drawn = self.samples(part, False, SAMPLES, self.settings.seed)
        assert drawn is not None  # every label has a clip outside of each part
        more = [drawn[index] for index in range(SAMPLES)]
        features.append(self._read([sample[:2] for sample in more]))
        known.append(torch.tensor([sample[2] for sample in more]))
        return fit(torch.cat(features), torch.cat(known), len(self.labels))


def windows_of(clip: Clip) -> list[Window]:
    """Cut windows of fixed span from a clip, as the live program would."""
    last = float(clip.times[-1])
    first = min(max(2 * FIRST_ANSWER, last / 4), last)
    count = min(int((last - first) / PERIOD) + 1, MOST)
    found = []
    for moment in np.linspace(last, first, count)[::-1]:
        seen = clip.times <= moment + 1e-6
        tracks = [(times[seen], person[seen]) for times, person in clip.tracks]
        found.append(span_window(tracks, float(clip.times[seen][-1]), THRESHOLD))
    return found
