"""The vocabulary of the bundled classifier: its config, its label map, and what feeds a label."""

from pathlib import Path

import pytest

from models.action.label import NOTHING
from models.data.puppet.clips import KNOWN
from models.data.pyskl import read_label_map
from models.files import read_json
from models.training.recipes import read_config

CONFIGS = Path(__file__).parents[2] / "models" / "configs"
MAP = CONFIGS / "live_labels.json"


@pytest.fixture(scope="module")
def labels():
    return {label.name: label for label in read_config(CONFIGS / "live.py").finetune.labels}


def test_classes_go_to_labels_or_say_why_not(labels):
    for key, value in read_json(MAP, "label map").items():
        assert key.count("/") == 1, f"{key} does not say whose class it is"
        if isinstance(value, dict):
            assert len(value["left out"].split()) > 2, f"{key} has no reason"
        else:
            assert value in labels or value == NOTHING, key


def test_a_label_is_shown_by_clips_or_by_puppets(labels):
    shown = {label for label in read_label_map(MAP).values() if label} | KNOWN
    assert not labels.keys() - shown


def test_labels_of_two_people_are_shown_by_people(labels):
    recorded = set(read_label_map(MAP).values())
    pairs = {name for name, label in labels.items() if label.people == 2}
    assert len(pairs) == 8
    assert pairs <= recorded


def test_what_the_config_says_of_labels_is_of_labels(labels):
    settings = read_config(CONFIGS / "live.py").finetune
    named = {*settings.cyclic, *settings.solo, *settings.acting, *settings.legs}
    named |= {label for label, _ in settings.acting.values()}
    assert named <= labels.keys()
