"""Teaching from clips: heads, training, calibration, going on after an interruption."""

import numpy as np
import pytest
import torch

from models.action.label import NOTHING, Label
from models.action.strl import STRL
from models.data.pyskl import Clip, unit_of
from models.errors import UserError
from models.training.runner import FineTuning
from models.training.teaching import course, judge, practice
from models.training.teaching.course import CourseSettings, windows_of
from models.training.teaching.people import folds
from models.training.teaching.teach import teach
from tests.skeletons import act


def clip(label, action, number, people=1):
    rng = np.random.default_rng((action, number))
    points = np.stack([act(action, 60, rng) for _ in range(people)])
    points += 120 * np.arange(people)[:, None, None, None]
    keypoints = np.concatenate([points, np.ones((*points.shape[:3], 1))], axis=-1)
    keypoints = keypoints.astype(np.float32)
    times = np.arange(60) / 30
    return Clip(f"own/{label}/{number}", label, times, keypoints, unit_of(keypoints))


CLIPS = [clip(name, action, n) for name, action in (("wave", 0), ("squat", 1)) for n in range(4)]
PEOPLE = {"wave": 1, "squat": 1}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(course, "SAMPLES", 40)
    monkeypatch.setattr(course, "PUPPETS", 1)
    monkeypatch.setattr(judge, "CHECKS", 24)


@pytest.fixture
def base():
    torch.manual_seed(0)
    labels = [Label("clap", 1), Label("hug", 2)]
    return STRL(
        labels, by_people=True, width=8, depth=1, strides=(1,), geometry=True, hidden=6
    ).eval()


def settings(folder, **others):
    return CourseSettings(folder / "work", **{"seconds": 0.0, **others})


def test_windows_are_spread_over_a_clip():
    long = windows_of(clip("wave", 0, 0))
    assert len(long) == 4 and all(present.any() for _, present in long)
    assert len(windows_of(CLIPS[0])) <= course.MOST


def test_a_head_tells_the_labels_apart_and_is_calibrated(base, tmp_path):
    told, first = [], []
    taught = teach(base, CLIPS, PEOPLE, None, settings(tmp_path), told.append, first.append)
    assert [label.name for label in taught.model.labels] == ["squat", "wave"]
    assert len(taught.answers) == len(CLIPS) and taught.accuracy >= 0.75
    assert taught.accuracies == {"head": taught.accuracy} and not taught.trained
    assert len(first) == 1 and "new head" in told[0]
    assert {name for name, _ in taught.model.clips} == {one.name for one in CLIPS}
    assert 0 < taught.model.thresholds[1] < 1
    assert not (tmp_path / "work").exists()


def test_what_is_held_out_is_not_learnt_from(base, tmp_path, monkeypatch):
    seen = []

    def spy(self, part, inside, *others):
        found = draw(self, part, inside, *others)
        if found is not None and part is not None:
            names = {one.name for one in found.clips if one.label != NOTHING}
            seen.append((part, inside, names))
        return found

    draw = course.Course.samples
    monkeypatch.setattr(course.Course, "samples", spy)
    teach(base, CLIPS, PEOPLE, None, settings(tmp_path))
    parts = folds([one.label for one in CLIPS], None)
    for part, inside, names in seen:
        held = {one.name for one, p in zip(CLIPS, parts, strict=True) if p == part}
        assert names == held if inside else names.isdisjoint(held)
    assert len(seen) == 6


def test_clips_of_nothing_are_no_label(base, tmp_path):
    clips = [*CLIPS, *(clip(NOTHING, 1, 20 + n) for n in range(2))]
    taught = teach(base, clips, PEOPLE, None, settings(tmp_path))
    assert [label.name for label in taught.model.labels] == ["squat", "wave"]
    assert len(taught.answers) == 10 and len(taught.scored) == 8


def test_labels_of_two_people_and_of_one(base, tmp_path):
    clips = [*CLIPS, *(clip("wave together", 0, 30 + n, people=2) for n in range(3))]
    taught = teach(base, clips, {**PEOPLE, "wave together": 2}, None, settings(tmp_path))
    right = [a.right for a in taught.answers if a.clip.label == "wave together"]
    assert right == [True] * 3


def test_windows_to_which_their_label_is_not_possible_do_not_count():
    logits, target = torch.randn(20, 3), torch.arange(20) % 3
    more = torch.cat([logits, torch.tensor([[-torch.inf, 1.0, 0.0]])])
    found = judge.possible_temperature(more, torch.cat([target, torch.tensor([0])]))
    assert found == judge.possible_temperature(logits, target)


def test_labels_are_added_and_the_others_answer_as_before(base, tmp_path):
    taught = teach(base, CLIPS, PEOPLE, None, settings(tmp_path, extend=True, seconds=60.0))
    names = [label.name for label in taught.model.labels]
    assert names == ["clap", "hug", "squat", "wave"] and not taught.trained
    cut = windows_of(CLIPS[0])
    window, present = (torch.from_numpy(np.stack([w[part] for w in cut])) for part in (0, 1))
    with torch.no_grad():
        before, after = base(window, present), taught.model(window, present)
    assert torch.allclose(before[:, [0, 2]], after[:, [0, 4]], atol=1e-4)
    with pytest.raises(UserError, match="a label clap already"):
        other = [clip("clap", 0, n) for n in range(2)]
        teach(base, other, {"clap": 1}, None, settings(tmp_path, extend=True))


def test_one_clip_of_each_label_is_too_few(base, tmp_path):
    with pytest.raises(UserError, match="two clips at least"):
        teach(base, CLIPS[::4], PEOPLE, None, settings(tmp_path))


@pytest.mark.training
def test_a_training_that_was_interrupted_goes_on(base, tmp_path, monkeypatch):
    monkeypatch.setattr(practice, "_step_seconds", lambda *_: 0.1)
    steps = []

    def count(self, *batch, **options):
        steps.append(1)
        if len(steps) == 65:  # in the second of four trainings, after its first epoch
            raise KeyboardInterrupt
        return forward(self, *batch, **options)

    forward = FineTuning.forward
    monkeypatch.setattr(FineTuning, "forward", count)
    given = settings(tmp_path, seconds=17.0)  # 42 steps each, so that two epochs of 20 fit
    with pytest.raises(KeyboardInterrupt):
        teach(base, CLIPS, PEOPLE, None, given)
    assert (given.work_dir / "part_0.safetensors").exists()
    told = []
    taught = teach(base, CLIPS, PEOPLE, None, given, told.append)
    assert "going on where it was" in told
    assert not any("without part 1" in line for line in told)
    assert set(taught.accuracies) == {"head", "trained"}
    # One training has 40 steps. The second one had 20 of them in its first epoch, which are kept.
    trainings = 3 if taught.trained else 2
    assert len(steps) - 65 == trainings * 40 - 20
