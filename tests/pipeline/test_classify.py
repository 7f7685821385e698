from dataclasses import replace

import numpy as np
import pytest

from models.action.label import Label
from models.sample import RATE
from pipeline.classify import LEAD, MIN_OBSERVED, Classifier

LABELS = [Label("wave", 1), Label("walk", 1), Label("hug", 2, held=True)]


class StubNetwork:
    """Stands in for STRL, and returns given probabilities."""

    labels, thresholds = LABELS, {1: 0.6, 2: 0.5}

    def __init__(self):
        self.answers = {}

    def answer(self, window, present):
        return np.stack([self.answers[int(w[0, 0, 0, 0])] for w in window])


def probabilities(wave=0.0, walk=0.0, hug=0.0):
    return np.float32([wave, walk, hug, 1 - wave - walk - hug])


class Stage:
    def __init__(self, confidence=None):
        self.model = StubNetwork()
        self.classifier = Classifier(self.model, confidence)

    def ask(self, time, answers, filled=64, hidden=0, gone=0):
        """Ask for the labels of groups, given their probabilities.

        The second of two people is absent in the last `hidden` steps; they exchange places `gone`
        steps from both ends of the window.
        """
        groups = list(answers)
        windows = np.zeros((len(groups), 2, 64, 17, 2), np.float32)
        present = np.zeros((len(groups), 2, 64, 17), bool)
        for row, group in enumerate(groups):
            windows[row, 0, 0, 0, 0] = row
            self.model.answers[row] = answers[group]
            present[row, : len(group), 64 - filled :] = True
            present[row, 1, 64 - hidden :] = False
            if gone:
                present[row, 0, 64 - gone :] = present[row, 1, :gone] = False
        actions = self.classifier(time, groups, windows, present)
        return {action.people: action.label for action in actions}


def test_there_is_no_action_before_half_a_second_is_observed():
    stage = Stage()
    sure = {(1,): probabilities(wave=0.9)}
    assert stage.ask(0, sure, filled=round(MIN_OBSERVED * RATE) - 1) == {}
    assert stage.ask(0.1, sure, filled=round(MIN_OBSERVED * RATE)) == {(1,): "wave"}


def test_two_people_keep_their_label_while_one_is_hidden():
    stage = Stage()
    hug = {(1, 2): probabilities(hug=0.9)}
    assert stage.ask(0, hug, hidden=50) == {}, "they were not seen together for long enough before"
    assert stage.ask(0.2, hug) == {(1, 2): "hug"}
    assert stage.ask(0.4, hug, hidden=50) == {(1, 2): "hug"}
    ended = {(1, 2): probabilities(hug=0.0)}
    assert stage.ask(0.6, ended, hidden=64) == {(1, 2): "hug"}, "nothing is seen of the second one"
    assert stage.ask(2.6, ended, hidden=50) == {}


def test_somebody_who_is_found_again_under_a_new_id_is_not_two_people():
    stage = Stage()
    hug = {(1, 2): probabilities(hug=0.9)}
    assert stage.ask(0, hug, gone=32) == {}
    assert stage.ask(0.2, hug, gone=22) == {(1, 2): "hug"}


def test_the_network_gets_no_empty_batch():
    stage = Stage()
    windows, present = np.zeros((2, 2, 64, 17, 2), np.float32), np.zeros((2, 2, 64, 17), bool)
    stage.model.answer = None  # asking it would fail
    assert stage.classifier(0, [(1,), (2,)], windows, present) == []


def test_an_unlikely_label_is_not_shown():
    stage = Stage()
    assert stage.ask(0, {(1,): probabilities(wave=0.5)}) == {(1,): None}
    assert Stage(confidence=0.4).ask(0, {(1,): probabilities(wave=0.5)}) == {(1,): "wave"}


def test_a_label_does_not_flicker_around_the_threshold():
    stage = Stage()
    shown = [
        stage.ask(i / 10, {(1,): probabilities(wave=0.62 if i % 2 == 0 else 0.55)})[(1,)]
        for i in range(20)
    ]
    assert shown == ["wave"] * 20


def test_a_label_is_dropped_when_the_action_is_over():
    stage = Stage()
    stage.ask(0, {(1,): probabilities(wave=0.9)})
    shown = [stage.ask(0.1 * i, {(1,): probabilities(walk=0.1)})[(1,)] for i in range(1, 10)]
    assert shown[0] == "wave" and shown[-1] is None
    assert shown == sorted(shown, key=lambda label: label is None)


def test_one_window_of_another_action_changes_nothing():
    stage = Stage()
    for i in range(10):
        stage.ask(i / 10, {(1,): probabilities(wave=0.8)})
    assert stage.ask(1.0, {(1,): probabilities(walk=0.9)})[(1,)] == "wave"
    for i in range(8):
        last = stage.ask(1.1 + i / 10, {(1,): probabilities(walk=0.9)})[(1,)]
    assert last == "walk"


def test_another_label_must_lead():
    stage = Stage(confidence=0.3)
    stage.ask(0, {(1,): probabilities(wave=0.45, walk=0.4)})
    close = probabilities(wave=0.4, walk=0.4 * (LEAD - 0.05))
    assert [stage.ask(i, {(1,): close})[(1,)] for i in range(1, 5)] == ["wave"] * 4


@pytest.mark.parametrize("rate", [5, 10, 30])
def test_smoothing_is_in_seconds(rate):
    stage = Stage()
    stage.ask(0, {(1,): probabilities(wave=0.9)})
    gone = next(
        i / rate
        for i in range(1, 5 * rate)
        if stage.ask(i / rate, {(1,): probabilities()})[(1,)] is None
    )
    assert 0.15 <= gone <= 0.15 + 2 / rate


def test_an_interaction_replaces_both_labels_if_it_beats_both():
    answers = {
        (1,): probabilities(wave=0.7),
        (2,): probabilities(),
        (1, 2): probabilities(hug=0.8),
    }
    assert Stage().ask(0, answers) == {(1, 2): "hug"}
    answers[(1, 2)] = probabilities(hug=0.65)
    assert Stage().ask(0, answers) == {(1,): "wave", (2,): None}
    answers[(1, 2)] = probabilities(hug=0.4)
    answers[(1,)] = probabilities(wave=0.3)
    assert Stage().ask(0, answers) == {(1,): None, (2,): None}


def test_pairs_have_their_own_threshold_and_compete_with_shown_labels_only():
    answers = {(1,): probabilities(wave=0.58), (2,): probabilities()}
    answers[(1, 2)] = probabilities(hug=0.52)
    assert Stage().ask(0, answers) == {(1, 2): "hug"}
    assert Stage(confidence=0.55).ask(0, answers) == {(1,): "wave", (2,): None}


def test_a_label_may_have_a_threshold_of_its_own(monkeypatch):
    own = [replace(LABELS[0], threshold=0.3), *LABELS[1:]]
    monkeypatch.setattr(StubNetwork, "labels", own)
    assert Stage().ask(0, {(1,): probabilities(wave=0.35)}) == {(1,): "wave"}
    assert Stage().ask(0, {(1,): probabilities(walk=0.35)}) == {(1,): None}
    assert Stage(confidence=0.4).ask(0, {(1,): probabilities(wave=0.35)}) == {(1,): None}
    stage = Stage()
    stage.ask(0, {(1,): probabilities(wave=0.9)})
    kept = stage.ask(60, {(1,): probabilities(wave=0.25)})
    assert kept == {(1,): "wave"}, "it is kept from a share of its own threshold"


def test_nobody_is_in_two_interactions_at_once():
    answers = {(i,): probabilities() for i in (1, 2, 3)}
    answers |= {(1, 2): probabilities(hug=0.7), (2, 3): probabilities(hug=0.9)}
    assert Stage().ask(0, answers) == {(2, 3): "hug", (1,): None}


def test_a_reset_drops_all_states():
    stage = Stage()
    stage.ask(0, {(1,): probabilities(wave=0.9)})
    stage.classifier.reset()
    assert stage.ask(0.1, {(1,): probabilities(wave=0.5)}) == {(1,): None}
