"""What people do: STRL's answers over windows, smoothed in time, and silent when unsure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.action.label import Label
from models.sample import RATE

EVIDENCE = 0.5
"""Seconds of a window that must be filled before anything is said of it."""
SMOOTHING = 0.25
"""Time constant, in seconds, of the smoothing of probabilities."""
RELEASE = 0.7
"""Part of the threshold to which a label's probability must fall for the label to go again."""
LEAD = 1.25
"""How many times likelier another label must be to replace the one that is shown."""


class ActionNetwork(Protocol):
    """A network that tells how likely each label is; STRL, by PyTorch or compiled.

    Attributes:
        labels: the vocabulary.
        thresholds: calibrated probability from which a label is shown, by number of people.
    """

    labels: list[Label]
    thresholds: dict[int, float]

    def answer(self, window: np.ndarray, present: np.ndarray, /) -> np.ndarray:
        """Probabilities float32 [B, labels + 1], the last of "none of these".

        Args:
            window: float32 [B, 2, 64, 17, 2].
            present: bool [B, 2, 64, 17].
        """


@dataclass
class Action:
    """What one person does, or two do to each other.

    Attributes:
        people: ids, one or two, ascending.
        label: in words, or None for "no known action".
        score: probability of the label; of the likeliest one where the label is None.
        scores: float32 [classes], the smoothed probability of each label of the vocabulary. What
            is missing from a sum of 1 is the probability of "none of these".
    """

    people: tuple[int, ...]
    label: str | None
    score: float
    scores: np.ndarray


@dataclass
class _Answer:
    """The state of one group: smoothed probabilities, and the label that is shown."""

    scores: np.ndarray
    time: float
    label: int | None = None

    def smooth(self, scores: np.ndarray, time: float) -> None:
        weight = 1 - np.exp(-(time - self.time) / SMOOTHING)
        self.scores = self.scores + np.float32(weight) * (scores - self.scores)
        self.time = time

    def decide(self, threshold: float) -> None:
        """Choose the label with hysteresis: hard to get, easier to keep."""
        best = int(self.scores.argmax())
        shown = self.label
        keep = shown is not None and self.scores[shown] >= RELEASE * threshold
        if keep and self.scores[best] < LEAD * self.scores[shown]:
            return
        if self.scores[best] >= threshold:
            self.label = best
        elif not keep:
            self.label = None


class Classifier:
    """Names what is going on in each window.

    Args:
        model: the trained network.
        confidence: probability from which a label is shown; the model's calibrated ones, for people
            alone and for pairs, if None.
    """

    def __init__(self, model: ActionNetwork, confidence: float | None = None):
        self.model = model
        self.thresholds = model.thresholds if confidence is None else {1: confidence, 2: confidence}
        self.forget()

    def forget(self) -> None:
        """Drop what was known, as after a cut or a broken stream."""
        self._answers: dict[tuple[int, ...], _Answer] = {}

    def __call__(
        self,
        time: float,
        groups: Sequence[tuple[int, ...]],
        windows: np.ndarray,
        present: np.ndarray,
    ) -> list[Action]:
        """Classify all windows in one batch.

        Args:
            time: at which the windows end, in seconds.
            groups: ids of one or two people a window.
            windows: float32 [B, 2, 64, 17, 2].
            present: bool [B, 2, 64, 17].

        Returns:
            One action a person, or one for two where an interaction is likelier than what either
            seems to do alone. Somebody seen for less than `EVIDENCE` seconds has none.
        """
        filled = present.any(axis=3).sum(axis=2) / RATE
        known = [
            row for row, group in enumerate(groups) if filled[row, : len(group)].min() >= EVIDENCE
        ]
        answers = {}
        for row, scores in zip(known, self._scores(windows[known], present[known]), strict=True):
            group = groups[row]
            answer = self._answers.get(group) or _Answer(scores, time)
            answer.smooth(scores, time)
            answer.decide(self.thresholds[len(group)])
            answers[group] = answer
        self._answers = answers
        return [self._action(group) for group in self._speakers()]

    def _scores(self, windows: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Probability of each label, float32 [B, classes]; the network takes no empty batch."""
        return self.model.answer(windows, present)[:, :-1] if len(windows) else np.zeros((0, 0))

    def _speakers(self) -> list[tuple[int, ...]]:
        """The pairs that beat their members' own answers, and everybody else alone."""
        said = {
            group: 0.0 if answer.label is None else float(answer.scores[answer.label])
            for group, answer in self._answers.items()
        }
        pairs = [group for group in said if len(group) == 2 and said[group]]
        spoken_for: set[int] = set()
        speakers = []
        for pair in sorted(pairs, key=said.__getitem__, reverse=True):
            beats_both = all(said[pair] > said.get((who,), 0) for who in pair)
            if beats_both and spoken_for.isdisjoint(pair):
                speakers.append(pair)
                spoken_for.update(pair)
        return speakers + [
            group for group in said if len(group) == 1 and spoken_for.isdisjoint(group)
        ]

    def _action(self, group: tuple[int, ...]) -> Action:
        answer = self._answers[group]
        label = None if answer.label is None else self.model.labels[answer.label].name
        index = answer.scores.argmax() if answer.label is None else answer.label
        return Action(group, label, float(answer.scores[index]), answer.scores)
