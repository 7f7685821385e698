from dataclasses import replace

import numpy as np
import pytest
import torch

from models.action.label import NOTHING, Label
from models.action.strl import STRL
from models.data.augment import Augmentation
from models.data.camera import cameras_around
from models.data.pyskl import load_split
from models.errors import UserError
from models.training.evaluation import (
    STRESS,
    calibration_error,
    decide,
    evaluate,
    fit_temperature,
    fit_threshold,
    metrics,
    perturb,
    seen_in_training,
)
from models.training.recipes import clip_identities
from tests.skeletons import dataset, space_dataset

LABELS = [Label("wave", 1), Label("squat", 1), Label("jump", 1)]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return STRL(LABELS, width=8, depth=1, strides=(1,)).eval()


@pytest.fixture
def clips(tmp_path):
    return load_split([dataset(tmp_path / "a.pkl", layout="msr20")], ["test"])


def test_metrics_on_answers_counted_by_hand(model):
    model.thresholds = {1: 0.5}
    logits = torch.tensor(
        [
            [9.0, 0, 0, 0],  # right and confident
            [0, 9.0, 0, 0],  # wrong and confident
            [1.0, 0.9, 0.8, 0.9],  # right, but below the threshold
            [0, 1.0, 0, 9.0],  # right label, but "none of these"
        ]
    )
    target = torch.tensor([0, 0, 0, 1])
    figures = metrics(model, logits, target)
    assert figures["top-1"] == pytest.approx(3 / 4)
    assert figures["top-5"] == 1
    assert figures["mean class accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert figures["coverage"] == pytest.approx(1 / 2)
    assert figures["accuracy where it answers"] == pytest.approx(1 / 2)
    assert decide(model, logits).tolist() == [0, 1, -1, -1]


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    confidence = torch.tensor([0.9] * 10 + [0.3] * 10)
    right = torch.tensor([True] * 6 + [False] * 4 + [True] * 3 + [False] * 7)
    assert calibration_error(confidence, right) == pytest.approx(0.15, abs=1e-6)


def test_temperature_undoes_what_sharpened_the_logits():
    torch.manual_seed(0)
    logits = torch.randn(4000, 5)
    target = torch.multinomial(logits.softmax(dim=1), 1)[:, 0]
    assert fit_temperature(3 * logits, target) == pytest.approx(3, rel=0.1)


def test_temperature_copes_with_labels_that_are_impossible():
    logits = torch.tensor([[2.0, -torch.inf, 0.0], [-torch.inf, 1.0, 0.0]]).repeat(50, 1)
    target = torch.tensor([0, 1]).repeat(50)
    assert np.isfinite(fit_temperature(logits, target))


def test_the_threshold_is_the_best_of_all(model):
    rng = torch.Generator().manual_seed(0)
    target = torch.randint(0, 4, (600,), generator=rng)
    logits = torch.randn(600, 4, generator=rng)
    logits[torch.arange(600), target] += 1.5

    def score(threshold):
        model.thresholds = {1: threshold, 2: threshold}
        said = decide(model, logits)
        right = ((said == target) & (said >= 0)).sum()
        precision, recall = right / (said >= 0).sum().clamp(min=1), right / (target < 3).sum()
        return float(1.25 * precision * recall / (0.25 * precision + recall + 1e-9))

    best = score(fit_threshold(model, logits, target))
    assert 0 < best < 1
    assert all(score(t) <= best + 1e-6 for t in torch.linspace(0.2, 0.99, 80).tolist())


def test_a_threshold_of_one_label_counts_its_windows_alone(model):
    """Label 0 is right from 0.6 in all that there are, and in two of three; label 1 never is."""
    probability = torch.tensor(
        [[0.9, 0.05, 0.05], [0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1]]
    )
    model.labels, model.temperature = model.labels[:2], 1.0
    target = torch.tensor([0, 2, 0, 2, 2])
    found = [fit_threshold(model, probability.log(), target, b, only=0) for b in (0.25, 2.0)]
    assert found == pytest.approx([0.9, 0.6])
    model.labels = [replace(model.labels[0], threshold=0.6), model.labels[1]]
    model.thresholds = {1: 0.85, 2: 0.85}
    assert decide(model, probability.log()).tolist() == [0, 0, 0, -1, -1]


def test_clips_seen_in_training_are_announced(model, clips):
    assert not any("NOT HELD OUT" in name for name in evaluate(model, clips, "clip").figures)
    model.clips = [["other/name", clips[0].fingerprint], [clips[1].name, "0"], ["x/y", "1"]]
    evaluation = evaluate(model, clips, "window")
    assert evaluation.figures["NOT HELD OUT: clips seen in training"] == 2
    assert "NOT HELD OUT" in evaluation.text()
    others = evaluate(model, clips[2:], "window").figures["top-1"]
    assert evaluation.figures["top-1 of the other clips"] == pytest.approx(others)
    model.clips = clip_identities(clips)
    assert "top-1 of the other clips" not in evaluate(model, clips, "window").figures


def test_a_clip_trained_on_in_space_is_announced_in_2d(model, tmp_path):
    flat = load_split([dataset(tmp_path / "b_2d.pkl", layout="msr20")], ["test"])
    spatial = load_split([space_dataset(tmp_path / "b_3d.pkl", clips=12)], ["test"])
    model.clips = clip_identities(spatial[:3])
    assert seen_in_training(model, flat) == [True] * 3 + [False]
    model.clips = [["b_2d/clip08", "0"], ["a_2d/clip09", "0"]]  # names that older checkpoints have
    for clips in (flat, spatial):
        assert seen_in_training(model, clips) == [True] + [False] * 3


def test_views_are_the_mean_over_cameras_around(model, tmp_path):
    model.labels = [Label("wave", 1), Label("walk", 1), Label("jump", 1)]
    clips = load_split([space_dataset(tmp_path / "b_3d.pkl", clips=12)], ["train"])
    evaluation = evaluate(model, clips, "clip", views=4)
    figures = evaluation.figures
    around = [figures[f"top-1, camera at {angle} degrees"] for angle in (0, 90, 180, 270)]
    assert figures["top-1"] == pytest.approx(np.mean(around))
    assert figures["clips"] == 8
    assert evaluation.confusion.sum() == 32
    turned = [clip.view(cameras_around(4)[1]) for clip in clips]
    assert evaluate(model, turned, "clip").figures["top-1"] == pytest.approx(around[1])
    flat = load_split([dataset(tmp_path / "b_2d.pkl", classes=["wave", "walk"])], ["test"])
    with pytest.raises(UserError, match="2D"):
        evaluate(model, flat, "clip", views=4)


def test_the_confusion_matrix_counts_every_clip(model, clips, tmp_path):
    evaluation = evaluate(model, clips, "clip")
    assert evaluation.confusion.sum() == len(clips)
    right = sum(evaluation.confusion[index, index] for index in range(len(evaluation.confusion)))
    assert right / len(clips) == pytest.approx(evaluation.figures["top-1"])
    wrong = len(clips) - right
    assert len(evaluation.mistakes) == wrong > 1
    assert all(mistake.label != mistake.answer for mistake in evaluation.mistakes)
    sure = [mistake.probability for mistake in evaluation.mistakes]
    assert sure == sorted(sure, reverse=True)


def test_stress_perturbs_copies_of_the_clips(model, clips):
    before = clips[0].keypoints.copy()
    worse = perturb(clips, Augmentation(jitter=0.1, speed=0.4))
    assert np.array_equal(clips[0].keypoints, before)
    assert worse[0].times[-1] != clips[0].times[-1]
    assert worse[0].label == clips[0].label
    figures = evaluate(model, clips, "clip", stress=True).figures
    assert sum(name.startswith("top-1, ") for name in figures) == len(STRESS)
    figures = evaluate(model, clips, "window", stress=True).figures
    assert sum(name.startswith("top-1, window ends at") for name in figures) == 4


def test_labels_the_model_lacks_and_empty_splits_are_the_users_error(model, clips):
    model.labels = LABELS[:1]
    with pytest.raises(UserError, match="no label squat"):
        evaluate(model, clips, "clip")
    with pytest.raises(UserError, match="no clip"):
        evaluate(model, [], "clip")


def test_clips_of_nothing_are_not_scored_but_their_answers_are_counted(model, clips):
    nothing = [replace(clip, label=NOTHING) for clip in clips]
    plain = evaluate(model, clips, "clip").figures
    mixed = evaluate(model, clips + nothing, "clip").figures
    assert mixed["clips"] == len(clips)
    assert mixed["top-1"] == plain["top-1"]
    assert mixed["answers to clips without a label"] == pytest.approx(plain["coverage"])
