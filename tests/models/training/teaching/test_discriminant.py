"""A linear discriminant of features, written into a classifier."""

import pytest
import torch

from models.action.label import Label
from models.action.strl import STRL
from models.training.teaching.discriminant import add_labels, fit, read_features, replace_labels

LABELS = [Label("serve", 1), Label("volley", 1)]


@pytest.fixture
def base():
    torch.manual_seed(0)
    model = STRL([Label("wave", 1), Label("hug", 2)], width=8, depth=1, strides=(1,), hidden=6)
    model.temperature, model.thresholds = 0.7, {1: 0.6, 2: 0.4}
    return model.eval()


@pytest.fixture
def windows():
    torch.manual_seed(1)
    return torch.randn(30, 2, 64, 17, 2), torch.ones(30, 2, 64, 17, dtype=torch.bool)


def test_classes_with_one_covariance_are_told_apart():
    torch.manual_seed(0)
    target = torch.arange(300) % 3
    mix = torch.randn(5, 5)
    centres = 4 * torch.randn(3, 5)
    features = centres[target] + torch.randn(300, 5) @ mix
    found = fit(features, target, 2)
    assert (found(features).argmax(dim=1) == target).float().mean() > 0.9
    assert (found(features)[:, -1] == 0).all()
    doubled = found.scaled(2)(features)
    assert torch.allclose(doubled, 2 * found(features), atol=1e-3)


def test_the_network_computes_what_was_fitted(base, windows):
    features = read_features(base, *windows)
    found = fit(features, torch.arange(30) % 3, 2)
    network = replace_labels(base, LABELS, found)
    assert [label.name for label in network.labels] == ["serve", "volley"]
    assert torch.allclose(network(*windows), found(features), atol=1e-3)


def test_labels_are_added_and_those_of_before_stay_what_they_were(base, windows, tmp_path):
    features = read_features(base, *windows)
    found = fit(features, torch.arange(30) % 3, 2)
    network = add_labels(base, LABELS, found)
    network.save(tmp_path / "more.safetensors")
    network = STRL.load(tmp_path / "more.safetensors")
    before, after = base(*windows), network(*windows)
    assert torch.allclose(after[:, [0, 1, 4]], before, atol=1e-5)
    odds = after[:, 2:4] - after[:, 4:]
    assert torch.allclose(odds, found(features)[:, :2], atol=1e-3)
    assert (network.temperature, network.thresholds) == (0.7, {1: 0.6, 2: 0.4})
