"""ST-GCN++ of MMAction2, an optional package: the peer of STRL in the benchmark."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from models.action.label import Label
from models.errors import UserError

PACKAGES = ("mmaction.models", "mmaction.models.backbones")
"""Packages that are entered without what they import: in the wheel of 1.2.0 that fails, for want of
a file (`mmaction.models.localizers.drn`) and of further packages."""


def load_backbone() -> type[nn.Module]:
    """Import the class of the network from MMAction2.

    Raises:
        UserError: MMAction2 is not installed, or is one that differs.
    """
    try:
        root = Path(str(import_module("mmaction").__file__)).parent
        for name in PACKAGES:
            package = ModuleType(name)
            package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
            sys.modules.setdefault(name, package)
        return import_module("mmaction.models.backbones.stgcn").STGCN
    except (ImportError, AttributeError, AssertionError) as error:
        raise UserError(
            "ST-GCN++ needs MMAction2: pip install --no-deps -r requirements-peer.txt"
        ) from error


class STGCNPlusPlus(nn.Module):
    """ST-GCN++ (Duan et al., ACM MM 2022), with the head of MMAction2.

    The joints' coordinates and whether they are present, as a score, are the three channels.
    Features are averaged over joints, time and people, of whom absent ones are zeros.

    Args:
        labels: the vocabulary.
        people: people in a window; whoever comes after them is left out.

    Attributes:
        labels, thresholds, clips: as of `STRL`.

    Raises:
        UserError: see `load_backbone`.
    """

    def __init__(self, labels: Sequence[Label], people: int = 2):
        super().__init__()
        self.labels, self.people = list(labels), people
        self.thresholds = {1: 0.5, 2: 0.5}
        self.clips: list[list[str]] = []
        self.backbone = load_backbone()(
            graph_cfg={"layout": "coco", "mode": "spatial"},
            gcn_adaptive="init",
            gcn_with_res=True,
            tcn_type="mstcn",
        )
        self.classifier = nn.Linear(256, len(self.labels))
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, window: Tensor, present: Tensor) -> Tensor:
        """Compute logits of windows; "none of these" is never the answer.

        Args:
            window: [B, 2, 64, 17, 2] in torso lengths.
            present: bool [B, 2, 64, 17].

        Returns:
            [B, labels + 1].
        """
        channels = torch.cat([window, present[..., None].to(window.dtype)], dim=-1)
        features = self.backbone(channels[:, : self.people])  # [B, people, 256, T', 17]
        logits = self.classifier(features.mean(dim=(1, 3, 4)))
        return nn.functional.pad(logits, (0, 1), value=-torch.inf)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Compute probabilities [B, labels + 1]; they are not calibrated."""
        return logits.float().softmax(dim=-1)
