"""Linear probe: how much of the labels can be read off frozen features with one linear layer."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from models.action.skeleton_mae import SkeletonMAE
from models.action.strl import STRL, Label, load_network
from models.data.pyskl import Clip, labelled
from models.training.evaluation import MODES, predict

DECAY = 1e-2


class Probe(nn.Module):
    """Frozen features, standardised, and a linear layer; answers like STRL."""

    probabilities = STRL.probabilities

    def __init__(self, backbone: STRL | SkeletonMAE, labels: list[Label]):
        super().__init__()
        self.backbone, self.labels, self.clips = backbone, labels, backbone.clips
        self.thresholds, self.temperature = {1: 0.0}, 1.0
        self.scale = nn.LazyBatchNorm1d(affine=False, momentum=None)
        self.linear = nn.LazyLinear(len(labels))

    def features(self, window: Tensor, present: Tensor) -> Tensor:
        """Frozen features [B, F] of windows."""
        if isinstance(self.backbone, STRL):
            return self.backbone.features(window, present)
        joints = self.backbone.joints
        window, present = window[..., joints, :], present[..., joints]
        hidden = self.backbone.encoder(self.backbone.embedding(window, present))
        hidden = hidden * present.any(dim=3)[..., None, None]
        return torch.cat([hidden.mean(dim=(1, 2)), hidden.amax(dim=(1, 2))], dim=1).flatten(1)

    def forward(self, window: Tensor, present: Tensor) -> Tensor:
        """Logits [B, labels + 1]; "none of these" is never the answer."""
        logits = self.linear(self.scale(self.features(window, present)))
        return nn.functional.pad(logits, (0, 1), value=-torch.inf)


def linear_probe(weights: str | Path, clips: Sequence[Clip], mode: str) -> Probe:
    """Fit a probe by L-BFGS on the clips' windows, with a little weight decay.

    Args:
        weights: an STRL or a SkeletonMAE checkpoint.
        clips: training clips.
        mode: as in `models.training.evaluation.evaluate`.

    Raises:
        UserError: the checkpoint is neither.
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
        error = error + DECAY * probe.linear.weight.square().sum()
        error.backward()
        return error

    optimiser.step(loss)
    return probe
