"""STRL: spatial-temporal representation learning (Yan et al., ICCV 2023, section 3.2).

STRL classifies windows of one or two people. Its spatial modules contain the pre-trained encoder of
SkeletonMAE. Shapes: B windows, R people present in them, F features.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.action.backbone import Backbone
from models.action.checkpoint import build, read_checkpoint, read_kind
from models.action.label import Label
from models.action.skeleton_mae import SkeletonMAE
from models.errors import UserError


class STRL(Backbone):
    """Classifier of windows of one or two people, with a further class for "none of these".

    Args:
        labels: the vocabulary.
        by_people: give one person no label of two people, and two people no label of one.
        hidden: width of the hidden layer of the classifier's MLP.
        dropout: dropout rate of the MLP.
        backbone: arguments of `Backbone`.

    Attributes:
        labels: the vocabulary, in the order of the logits.
        hyperparameters: the other arguments, as stored in a checkpoint.
        temperature: divides the logits in `probabilities`. Fitted on validation clips.
        thresholds: {1: float, 2: float}, the probability below which no label should be shown, for
            windows of one person and of two.
    """

    kind = "strl"
    needed: Tensor

    def __init__(
        self,
        labels: Sequence[Label],
        by_people: bool = False,
        hidden: int = 128,
        dropout: float = 0.0,
        **backbone: Any,
    ):
        super().__init__(**backbone)
        self.hyperparameters |= {"by_people": by_people, "hidden": hidden, "dropout": dropout}
        self.labels, self.by_people = list(labels), by_people
        self.thresholds, self.temperature = {1: 0.5, 2: 0.5}, 1.0
        self.classifier = _classifier(self.width, hidden, len(self.labels) + 1, dropout)
        needed = torch.tensor([label.people for label in self.labels] + [0])
        self.register_buffer("needed", needed, persistent=False)

    def forward(self, window: Tensor, present: Tensor) -> Tensor:
        """Classify windows.

        Args:
            window, present: as in `features`.

        Returns:
            Logits [B, labels + 1], the last one for "none of these".
        """
        logits = self.classifier(self.features(window, present))
        if not self.by_people:
            return logits
        count = present.any(dim=3).any(dim=2).sum(dim=1, keepdim=True)
        return logits.masked_fill((self.needed != count) & (self.needed > 0), -torch.inf)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Calibrated probabilities [B, labels + 1]: the softmax at the fitted temperature."""
        return (logits.float() / self.temperature).softmax(dim=-1)

    @torch.inference_mode()
    def answer(self, window: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Classify windows given as NumPy arrays, on the device of the network.

        Args:
            window: float32 [B, 2, 64, 17, 2] in torso lengths.
            present: bool [B, 2, 64, 17].

        Returns:
            Calibrated probabilities, float32 [B, labels + 1].
        """
        device = self.position.device
        inputs = (torch.from_numpy(array).to(device) for array in (window, present))
        return self.probabilities(self(*inputs)).cpu().numpy()

    def load_pretrained(self, pretrained: SkeletonMAE) -> list[str]:
        """Copy a pre-trained embedding and [MASK], and the encoder into every layer.

        Returns:
            Names of the parameters that were set.

        Raises:
            UserError: the pre-trained network differs in shape.
        """
        source = {f"embedding.{k}": v for k, v in pretrained.embedding.state_dict().items()}
        for index in range(len(self.layers)):
            for name, value in pretrained.encoder.state_dict().items():
                source[f"layers.{index}.spatial.encoder.{name}"] = value
        own = self.state_dict()
        wanted = [name for name in own if name.startswith("embedding.") or ".encoder." in name]
        if sorted(wanted) != sorted(source) or any(own[k].shape != source[k].shape for k in wanted):
            raise UserError("the pre-trained network differs from the config in width or depth")
        self.load_state_dict(source, strict=False)
        return wanted

    def continue_from(self, other: Backbone) -> None:
        """Copy the weights of another classifier, or of a pre-trained backbone.

        Of a classifier with other labels the last layer is left out.

        Raises:
            UserError: the other network differs in shape.
        """
        own, source = self.state_dict(), other.state_dict()
        if not isinstance(other, STRL):
            source |= {name: own[name] for name in own if name.startswith("classifier.")}
        elif [label.name for label in other.labels] != [label.name for label in self.labels]:
            last = f"classifier.{len(self.classifier) - 1}."
            source |= {name: own[name] for name in own if name.startswith(last)}
        try:
            self.load_state_dict(source)
        except RuntimeError as error:
            raise UserError("the network to start from differs from the config") from error

    def header(self) -> dict[str, Any]:
        """Return what a checkpoint stores, the vocabulary and the calibration among it."""
        return super().header() | {
            "labels": [asdict(label) for label in self.labels],
            "thresholds": self.thresholds,
            "temperature": self.temperature,
        }

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "cpu") -> "STRL":
        """Read a checkpoint that `save` wrote. The network is in evaluation mode.

        Raises:
            UserError: the file is missing, not an STRL checkpoint, or of another version.
        """
        tensors, header = read_checkpoint(path, cls.kind)
        labels = [Label(**label) for label in header["labels"]]
        model = build(path, tensors, lambda: cls(labels, **header["hyperparameters"]))
        model.temperature, model.clips = header["temperature"], header["clips"]
        model.thresholds = {int(n): value for n, value in header["thresholds"].items()}
        return model.to(device)


NETWORKS: dict[str, type[STRL] | type[Backbone] | type[SkeletonMAE]] = {
    STRL.kind: STRL,
    Backbone.kind: Backbone,
    SkeletonMAE.kind: SkeletonMAE,
}
"""The network of each kind of checkpoint."""


def load_network(path: str | Path) -> Backbone | SkeletonMAE:
    """Read a checkpoint of any network; a classifier is a backbone too. It is in evaluation mode.

    Raises:
        UserError: the file is missing, or no checkpoint of this project.
    """
    return NETWORKS[read_kind(path)].load(path)


def _classifier(features: int, hidden: int, classes: int, dropout: float) -> nn.Sequential:
    """MLP with one hidden layer."""
    return nn.Sequential(
        nn.LayerNorm(features),
        nn.Dropout(dropout),
        nn.Linear(features, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, classes),
    )
