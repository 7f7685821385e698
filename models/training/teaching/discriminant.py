"""A head without training: Fisher's linear discriminant on the features of the classifier.

A linear function of the features is written into the classifier's MLP as two hidden units, its
positive and its negative part. So the result is an ordinary STRL checkpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.action.label import Label
from models.action.strl import STRL

SHRINKAGE = 0.3
"""Share of the identity in the covariance (Friedman, 1989), which is of few clips."""
_LEAST = 1e-3


@dataclass(frozen=True)
class Discriminant:
    """Log-odds of labels against "none of these": `features @ weight.T + bias`.

    Attributes:
        weight: [L, F].
        bias: [L].
    """

    weight: Tensor
    bias: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """Compute logits [B, L + 1] of features [B, F]; that of "none of these" is 0."""
        return torch.nn.functional.pad(features @ self.weight.T + self.bias, (0, 1))

    def scaled(self, factor: float) -> "Discriminant":
        """Multiply the log-odds."""
        return Discriminant(self.weight * factor, self.bias * factor)

    def lowered(self, amount: Tensor) -> "Discriminant":
        """Subtract an amount [L] from the log-odds."""
        return Discriminant(self.weight, self.bias - amount)


def fit(features: Tensor, target: Tensor, labels: int) -> Discriminant:
    """Fit the discriminant of Gaussian classes with one covariance, equally frequent.

    Args:
        features: [K, F].
        target: index of the label of each, or `labels` for "none of these", [K]. Each must occur.
        labels: number of labels, L.
    """
    features = features.double()
    mean = torch.stack([features[target == index].mean(dim=0) for index in range(labels + 1)])
    within = features - mean[target]
    scale = within.std(dim=0) + _LEAST
    within, mean = within / scale, mean / scale
    covariance = within.T @ within / len(within)
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * torch.eye(len(scale)).double()
    difference = mean[:-1] - mean[-1]
    weight = torch.linalg.solve(covariance, difference.T).T
    bias = -(weight * (mean[:-1] + mean[-1])).sum(dim=1) / 2
    return Discriminant((weight / scale).float(), bias.float())


@torch.no_grad()
def read_features(model: STRL, window: Tensor, present: Tensor) -> Tensor:
    """Compute what the MLP of a classifier gets, [B, F]. Arguments as in `Backbone.features`."""
    normalised: Tensor = model.classifier[0](model.features(window, present))
    return normalised


@torch.no_grad()
def replace_labels(base: STRL, labels: Sequence[Label], found: Discriminant) -> STRL:
    """Give a classifier other labels: those of a discriminant of its features.

    Args:
        base: the classifier.
        labels: the L labels of the discriminant.
        found: its log-odds are the logits of the result.
    """
    network = _with_hidden(base, labels, 2 * len(labels))
    _write(network, found, 0, 0)
    return network.eval()


@torch.no_grad()
def add_labels(base: STRL, labels: Sequence[Label], found: Discriminant) -> STRL:
    """Add labels to a classifier. The logits of its own stay what they are.

    Args:
        base: the classifier.
        labels: the further labels, L.
        found: their log-odds against everything else, at the temperature of the classifier.
    """
    (inner, outer), own = _linear(base), len(base.labels)
    old = inner.out_features
    network = _with_hidden(base, [*base.labels, *labels], old + 2 * len(labels))
    first, last = _linear(network)
    first.weight[:old], first.bias[:old] = inner.weight, inner.bias
    last.weight[:own, :old], last.bias[:own] = outer.weight[:-1], outer.bias[:-1]
    last.weight[own:, :old], last.bias[own:] = outer.weight[-1], outer.bias[-1]
    _write(network, found, old, own)
    network.temperature, network.thresholds = base.temperature, dict(base.thresholds)
    return network.eval()


def _with_hidden(base: STRL, labels: Sequence[Label], hidden: int) -> STRL:
    """A classifier with the backbone of another, and a head of zeros."""
    network = STRL(labels, **(base.hyperparameters | {"hidden": hidden}))
    replaced = ("classifier.2.", "classifier.5.")
    state = {n: v for n, v in base.state_dict().items() if not n.startswith(replaced)}
    network.load_state_dict(state, strict=False)
    for layer in _linear(network):
        layer.weight.zero_()
        layer.bias.zero_()
    return network


def _linear(network: STRL) -> tuple[nn.Linear, nn.Linear]:
    """The two layers of the MLP of a classifier."""
    first, last = (layer for layer in network.classifier if isinstance(layer, nn.Linear))
    return first, last


def _write(network: STRL, found: Discriminant, unit: int, row: int) -> None:
    """Write log-odds into pairs of hidden units from `unit`, and the logits of rows from `row`."""
    inner, last = _linear(network)
    for index, (weight, bias) in enumerate(zip(found.weight, found.bias, strict=True)):
        for sign, place in ((1, unit + 2 * index), (-1, unit + 2 * index + 1)):
            inner.weight[place], inner.bias[place] = sign * weight, sign * bias
            last.weight[row + index, place] = sign
