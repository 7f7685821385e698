"""Classification: STRL over windows, smoothed in time, with no label where it is unsure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.action.label import Label
from models.sample import RATE

MIN_OBSERVED = 0.5
"""Seconds of a window that must be observed before it is classified."""
MIN_TOGETHER = 0.25
"""Seconds for which two people must have been seen at the same time before they are classified: a
person who is found again under a new id is not two people."""
MIN_HIDDEN = 0.1
"""Seconds that must be observed of each of two people who were classified before: one may hide the
other."""
SMOOTHING = 0.25
"""Time constant of the smoothing of probabilities, in seconds."""
RELEASE = 0.7
"""Fraction of the threshold below which a shown label is dropped."""
LEAD = 1.25
"""How many times more likely another label must be to replace the shown one."""


class ActionNetwork(Protocol):
    """A network that classifies windows: STRL, run by PyTorch or ONNX Runtime.

    Attributes:
        labels: the vocabulary.
        thresholds: calibrated probability from which a label is shown that has none of its own, by
            number of people.
    """

    labels: list[Label]
    thresholds: dict[int, float]

    def answer(self, window: np.ndarray, present: np.ndarray, /) -> np.ndarray:
        """Classify a batch of at least one window.

        Args:
            window: float32 [B, 2, 64, 17, 2].
            present: bool [B, 2, 64, 17].

        Returns:
            Calibrated probabilities float32 [B, labels + 1], the last of "none of these".
        """


@dataclass
class Action:
    """What one person does, or two people do to each other.

    Attributes:
        people: ids of one or two people, ascending.
        label: its name, or None for "no known action".
        score: probability of the label; of the most likely one where the label is None.
        scores: float32 [classes], the smoothed probability of each label of the vocabulary. They
            sum to 1 with the probability of "none of these".
    """

    people: tuple[int, ...]
    label: str | None
    score: float
    scores: np.ndarray


@dataclass
class _GroupState:
    """What is known of one group: smoothed probabilities, and the index of the shown label."""

    scores: np.ndarray
    time: float
    label: int | None = None

    def smooth(self, scores: np.ndarray, time: float) -> None:
        weight = 1 - np.exp(-(time - self.time) / SMOOTHING)
        self.scores = self.scores + np.float32(weight) * (scores - self.scores)
        self.time = time

    def choose_label(self, least: np.ndarray) -> None:
        """Choose the label with hysteresis: it takes more to show a label than to keep it.

        Args:
            least: probability from which each label is shown, [classes].
        """
        best = int(self.scores.argmax())
        shown = self.label
        keep = shown is not None and self.scores[shown] >= RELEASE * least[shown]
        if keep and self.scores[best] < LEAD * self.scores[shown]:
            return
        if self.scores[best] >= least[best]:
            self.label = best
        elif not keep:
            self.label = None


class Classifier:
    """Classifies windows, and smooths the results over time.

    Args:
        model: the trained network.
        confidence: probability from which any label is shown; the network's calibrated thresholds,
            of labels, and for single people and for pairs, if None.
    """

    def __init__(self, model: ActionNetwork, confidence: float | None = None):
        self.model = model
        self._least = {
            people: np.array(
                [
                    label.least(model.thresholds, people) if confidence is None else confidence
                    for label in model.labels
                ]
            )
            for people in (1, 2)
        }
        self.reset()

    def reset(self) -> None:
        """Drop what is known, as after a cut or an interrupted stream."""
        self._states: dict[tuple[int, ...], _GroupState] = {}

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
            groups: ids of one or two people for each window.
            windows: float32 [B, 2, 64, 17, 2].
            present: bool [B, 2, 64, 17].

        Returns:
            One action for each person, or one for two people where an interaction is more likely
            than what either of them does alone. People observed for less than `MIN_OBSERVED`
            seconds have none, nor do two who were seen together for less than `MIN_TOGETHER`. Of
            two people who were classified before, one may be hidden by the other: they are
            classified while the window has anything of both, and keep their label after that.
        """
        seen = present.any(axis=3)
        least = [seen[row, : len(group)].sum(axis=1).min() for row, group in enumerate(groups)]
        paired = [len(group) == 2 and group in self._states for group in groups]
        rows = [
            row
            for row, group in enumerate(groups)
            if (
                least[row] >= MIN_HIDDEN * RATE
                if paired[row]
                else least[row] >= MIN_OBSERVED * RATE
                and seen[row, : len(group)].all(axis=0).sum() >= MIN_TOGETHER * RATE
            )
        ]
        states = {
            group: self._states[group]
            for group, known, steps in zip(groups, paired, least, strict=True)
            if known and steps < MIN_HIDDEN * RATE
        }
        for row, scores in zip(rows, self._scores(windows[rows], present[rows]), strict=True):
            group = groups[row]
            state = self._states.get(group) or _GroupState(scores, time)
            state.smooth(scores, time)
            state.choose_label(self._least[len(group)])
            states[group] = state
        self._states = states
        return [self._action(group) for group in self._reported_groups()]

    def _scores(self, windows: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Probability of each label, float32 [B, classes]; the network takes no empty batch."""
        return self.model.answer(windows, present)[:, :-1] if len(windows) else np.zeros((0, 0))

    def _reported_groups(self) -> list[tuple[int, ...]]:
        """The pairs more likely than either person's own label, and all other people alone."""
        shown = {
            group: 0.0 if state.label is None else float(state.scores[state.label])
            for group, state in self._states.items()
        }
        pairs = [group for group in shown if len(group) == 2 and shown[group]]
        paired: set[int] = set()
        reported = []
        for pair in sorted(pairs, key=shown.__getitem__, reverse=True):
            beats_both = all(shown[pair] > shown.get((person,), 0) for person in pair)
            if beats_both and paired.isdisjoint(pair):
                reported.append(pair)
                paired.update(pair)
        return reported + [group for group in shown if len(group) == 1 and paired.isdisjoint(group)]

    def _action(self, group: tuple[int, ...]) -> Action:
        state = self._states[group]
        label = None if state.label is None else self.model.labels[state.label].name
        index = state.scores.argmax() if state.label is None else state.label
        return Action(group, label, float(state.scores[index]), state.scores)
