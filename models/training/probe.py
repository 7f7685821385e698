"""Linear probe: a linear classifier on the frozen features of a pre-trained network."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from models.action.label import Label
from models.action.skeleton_mae import SkeletonMAE
from models.action.strl import Backbone, load_network
from models.data.pyskl import Clip, labelled
from models.training.evaluation import MODES, predict

WEIGHT_DECAY = 1e-2


class Probe(nn.Module):
    """A linear layer on standardised frozen features; a `Classifier` as evaluation needs it.

    Args:
        backbone: the network whose features are used.
        labels: the vocabulary.
    """

    def __init__(self, backbone: Backbone | SkeletonMAE, labels: list[Label]):
        super().__init__()
        self.backbone, self.labels, self.clips = backbone, labels, backbone.clips
        self.thresholds = {1: 0.0}
        self.scale = nn.LazyBatchNorm1d(affine=False, momentum=None)
        self.linear = nn.LazyLinear(len(labels))

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
        logits = self.linear(self.scale(self.features(window, present)))
        return nn.functional.pad(logits, (0, 1), value=-torch.inf)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Compute probabilities [B, labels + 1]; they are not calibrated."""
        return logits.softmax(dim=-1)


def linear_probe(weights: str | Path, clips: Sequence[Clip], mode: str) -> Probe:
    """Fit a linear probe by L-BFGS with weight decay.

    Args:
        weights: a checkpoint of any network.
        clips: training clips.
        mode: a key of `models.training.evaluation.MODES`.

    Raises:
        UserError: the file is missing, or is no checkpoint.
    """
    backbone = load_network(weights)
    clips = labelled(clips)
    names = sorted({clip.label for clip in clips})
    probe = Probe(backbone.requires_grad_(False), [Label(name, 0) for name in names])
    target = torch.tensor([names.index(clip.label) for clip in clips])

    features = predict(probe.features, MODES[mode](clips))
    features = probe.scale.train()(features)
    probe.eval()
    probe.linear(features)  # gives the lazy layer its width
    optimiser = torch.optim.LBFGS(probe.linear.parameters(), max_iter=200)

    def loss() -> Tensor:
        optimiser.zero_grad()
        error = nn.functional.cross_entropy(probe.linear(features), target)
        error = error + WEIGHT_DECAY * probe.linear.weight.square().sum()
        error.backward()
        return error

    optimiser.step(loss)
    return probe
