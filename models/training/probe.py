"""Probes: what the frozen features of a pre-trained network tell without any fine-tuning."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from models.action.backbone import Backbone
from models.action.label import Label
from models.action.skeleton_mae import SkeletonMAE
from models.action.strl import load_network
from models.data.pyskl import Clip, labelled
from models.training.evaluation import MODES, predict

WEIGHT_DECAY = 1e-2


class Probe(nn.Module):
    """A simple classifier on standardised frozen features, as evaluation needs it.

    Args:
        backbone: the network whose features are used.
        labels: the vocabulary.
        head: from standardised features [B, F] to logits [B, labels].
    """

    def __init__(self, backbone: Backbone | SkeletonMAE, labels: list[Label], head: nn.Module):
        super().__init__()
        self.backbone, self.labels, self.clips = backbone, labels, backbone.clips
        self.thresholds = {1: 0.0}
        self.scale = nn.LazyBatchNorm1d(affine=False, momentum=None)
        self.head = head

    def features(self, window: Tensor, present: Tensor) -> Tensor:
        """Compute frozen features [B, F] of windows.

        Args:
            window: [B, 2, 64, 17, 2] in body lengths.
            present: bool [B, 2, 64, 17].
        """
        if isinstance(self.backbone, Backbone):
            return self.backbone.features(window, present)
        joints = self.backbone.joints
        window, present = window[..., joints, :], present[..., joints]
        hidden = self.backbone.encoder(self.backbone.embedding(window, present))
        hidden = hidden * present.any(dim=3)[..., None, None]
        return torch.cat([hidden.mean(dim=(1, 2)), hidden.amax(dim=(1, 2))], dim=1).flatten(1)

    def forward(self, window: Tensor, present: Tensor) -> Tensor:
        """Compute logits [B, labels + 1] of windows; "none of these" is never the answer."""
        logits = self.head(self.scale(self.features(window, present)))
        return nn.functional.pad(logits, (0, 1), value=-torch.inf)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Compute probabilities [B, labels + 1]; they are not calibrated."""
        return logits.softmax(dim=-1)


class Neighbours(nn.Module):
    """Cosine similarity to the most similar training clip of each label, as a logit.

    Args:
        features: of the training clips, [K, F].
        target: index of the label of each, [K].
    """

    def __init__(self, features: Tensor, target: Tensor):
        super().__init__()
        self.features, self.target = nn.functional.normalize(features), target

    def forward(self, features: Tensor) -> Tensor:
        """Compute logits [B, labels] of features [B, F]."""
        near = nn.functional.normalize(features) @ self.features.T
        labels = range(int(self.target.max()) + 1)
        return torch.stack([near[:, self.target == label].amax(dim=1) for label in labels], dim=1)


def linear_probe(weights: str | Path, clips: Sequence[Clip], mode: str) -> Probe:
    """Fit a linear classifier to frozen features, by L-BFGS with weight decay.

    Args:
        weights: a checkpoint of any network.
        clips: training clips.
        mode: a key of `models.training.evaluation.MODES`.

    Raises:
        UserError: the file is missing, or is no checkpoint.
    """
    probe, features, target = _headless(weights, clips, mode)
    linear = nn.Linear(features.shape[1], len(probe.labels))
    optimiser = torch.optim.LBFGS(linear.parameters(), max_iter=200)

    def loss() -> Tensor:
        optimiser.zero_grad()
        error = nn.functional.cross_entropy(linear(features), target)
        error = error + WEIGHT_DECAY * linear.weight.square().sum()
        error.backward()
        return error

    optimiser.step(loss)
    probe.head = linear
    return probe


def nearest_neighbours(weights: str | Path, clips: Sequence[Clip], mode: str) -> Probe:
    """Answer with the label of the training clip whose frozen features are the most similar.

    Arguments and errors as in `linear_probe`.
    """
    probe, features, target = _headless(weights, clips, mode)
    probe.head = Neighbours(features, target)
    return probe


PROBES = {"linear": linear_probe, "neighbours": nearest_neighbours}
"""How each kind of probe is made."""


def _headless(
    weights: str | Path, clips: Sequence[Clip], mode: str
) -> tuple[Probe, Tensor, Tensor]:
    """Make a probe without its head, in eval mode, and its training data.

    Returns:
        The probe, the standardised features [K, F], and the index of each clip's label [K].
    """
    backbone = load_network(weights)
    clips = labelled(clips)
    names = sorted({clip.label for clip in clips})
    labels = [Label(name, 0) for name in names]
    probe = Probe(backbone.requires_grad_(False), labels, nn.Identity())
    features = probe.scale.train()(predict(probe.features, MODES[mode](clips)))
    return probe.eval(), features, torch.tensor([names.index(clip.label) for clip in clips])
