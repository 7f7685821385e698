"""STRL: spatial-temporal representation learning (Yan et al., ICCV 2023, section 3.2).

STRL classifies windows of one or two people. Its spatial modules contain the pre-trained encoder of
SkeletonMAE. Shapes: B windows, R people present in them, T time steps, N joints, D features.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.action.checkpoint import (
    arguments,
    build,
    read_checkpoint,
    read_kind,
    write_checkpoint,
)
from models.action.features import (
    bone_directions,
    joint_distances,
    partner_contact,
    position_and_velocity,
)
from models.action.gin import GINEncoder
from models.action.label import Label
from models.action.skeleton_mae import JointEmbedding, SkeletonMAE
from models.errors import UserError
from models.sample import STEPS
from models.skeleton import BODY, JOINTS, PARTS


class SpatialModule(nn.Module):
    """Spatial module: SM(H) = Repeat(SumPool(G_E(Ã, H)); N) ⊕ H (equation 3).

    Args:
        encoder: G_E, with D features in and out.
        width: D.
        exchange: also join the partner's pooled features. Both people are treated alike, because it
            is arbitrary which of them is person 0.
        concatenate: ⊕ is concatenation followed by a 1×1 convolution, and not a sum.
    """

    def __init__(self, encoder: GINEncoder, width: int, exchange: bool, concatenate: bool = True):
        super().__init__()
        self.encoder = encoder
        self.join_joints: nn.Module = nn.Identity()
        self.join_body: nn.Module = nn.Identity()
        self.join_partner: nn.Module | None = None
        if concatenate:
            self.join_joints = _near_identity(width)
            self.join_body = _small_linear(width)
        if exchange:
            self.join_partner = _small_linear(width)

    def forward(self, x: Tensor, partner: Tensor) -> Tensor:
        """Apply the module.

        Args:
            x: H, [R, T, N, D].
            partner: int [R], the row of each person's partner; R without one.

        Returns:
            SM(H), [R, T, N, D].
        """
        body = self.encoder.sum_pool(x)  # [R, T, D]
        joined = self.join_body(body)
        if self.join_partner is not None:
            shared = self.join_partner(body)
            joined = joined + functional.pad(shared, (0, 0, 0, 0, 0, 1))[partner]
        return self.join_joints(x) + joined[:, :, None]


class TemporalModule(nn.Module):
    """Multi-scale temporal module: dilated convolutions, max-pooling and a shortcut in parallel.

    As in MS-G3D (Liu et al., CVPR 2020) and CTR-GCN (Chen et al., ICCV 2021). Each of the four
    branches has a quarter of the channels.

    Args:
        width: D, a multiple of 4.
        stride: in time.
        dilations: in time, of the two convolutions.
    """

    def __init__(self, width: int, stride: int, dilations: tuple[int, int] = (1, 2)):
        super().__init__()
        quarter = width // 4
        self.inlet = nn.Conv2d(width, width, 1, bias=False)
        self.inlet_norm = nn.BatchNorm2d(width)
        self.branches = nn.ModuleList(
            nn.Conv2d(
                *(quarter, quarter, (5, 1), (stride, 1)),
                padding=(2 * dilation, 0),
                dilation=(dilation, 1),
                bias=False,
            )
            for dilation in dilations
        )
        self.pool = nn.MaxPool2d((3, 1), (stride, 1), padding=(1, 0))
        self.outlet_norm = nn.BatchNorm2d(width)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Features [R, T, N, D] to [R, T / stride, N, D]."""
        x = x.permute(0, 3, 1, 2)  # a channels-last view, without a copy
        first, second, pooled, plain = self.inlet_norm(self.inlet(x)).relu().chunk(4, dim=1)
        mixed = torch.cat(
            [
                self.branches[0](first),
                self.branches[1](second),
                self.pool(pooled),
                plain[:, :, :: self.stride],
            ],
            dim=1,
        )
        x = self.outlet_norm(mixed) + x[:, :, :: self.stride]
        return x.relu().permute(0, 2, 3, 1)


class Layer(nn.Module):
    """Layer of STRL: H' = ReLU(SM(H) W) (equation 4), then optionally a temporal module.

    Args:
        encoder: of the spatial module.
        width: D.
        exchange, concatenate: see `SpatialModule`.
        temporal: whether a temporal module follows.
        stride: of the temporal module.
    """

    def __init__(
        self,
        encoder: GINEncoder,
        width: int,
        exchange: bool,
        concatenate: bool,
        temporal: bool,
        stride: int,
    ):
        super().__init__()
        self.spatial = SpatialModule(encoder, width, exchange, concatenate)
        weight = nn.Linear(width, width, bias=False)
        with torch.no_grad():
            weight.weight += torch.eye(width)
        self.weight: nn.Module = weight
        self.norm: nn.Module = nn.BatchNorm2d(width)
        self.temporal = TemporalModule(width, stride) if temporal else None

    def forward(self, x: Tensor, partner: Tensor) -> Tensor:
        """Features [R, T, N, D] to [R, T / stride, N, D]; `partner` as in `SpatialModule`."""
        x = self.weight(self.spatial(x, partner)).permute(0, 3, 1, 2)
        x = self.norm(x).relu().permute(0, 2, 3, 1)
        return x if self.temporal is None else self.temporal(x)

    @torch.no_grad()
    def merge(self) -> None:
        """Put W and the normalisation into the linear maps before them, for inference alone.

        A spatial module that ends in a sum has none, and stays as it is.
        """
        spatial, weight, norm = self.spatial, self.weight, self.norm
        joints = spatial.join_joints
        if not isinstance(joints, nn.Linear):
            return
        assert isinstance(weight, nn.Linear) and isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None and norm.running_var is not None
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        matrix = scale[:, None] * weight.weight
        joints.bias.copy_(matrix @ joints.bias + norm.bias - scale * norm.running_mean)
        for linear in (joints, spatial.join_body, spatial.join_partner):
            if isinstance(linear, nn.Linear):
                linear.weight.copy_(matrix @ linear.weight)
        self.weight, self.norm = nn.Identity(), nn.Identity()


class Backbone(nn.Module):
    """STRL without its head: from windows of one or two people to features.

    The defaults are the paper's text; the options add to it.

    Args:
        width: D, features per joint.
        depth: L_D, GIN layers of the encoder in each spatial module.
        stem_stride: embed one in so many steps of the window. Velocities come from all steps.
        strides: temporal stride of each of the M layers. Strides other than 1 need `temporal`.
        identity, normalised, face: as in `SkeletonMAE`.
        concatenate: ⊕ is concatenation followed by a 1×1 convolution, and not a sum.
        exchange: exchange pooled features between the two people in every layer.
        temporal: add a multi-scale temporal module to every layer.
        geometry: add `features.position_and_velocity` to the input.
        bones: add `features.bone_directions` to the input.
        distances: add `features.joint_distances` to the input.
        contact: add `features.partner_contact` to the input.
        scales: window lengths of the multi-scale temporal pooling, in steps of the last layer; 0 is
            the whole window.
        by_parts: pool joints by body part, and not over the whole body.

    Attributes:
        hyperparameters: the arguments, as stored in a checkpoint.
        clips: [name, fingerprint] of every clip of pre-training or fine-tuning.
        joints: the N joints of the graph, as COCO indices.
        width: F, features of a window.

    Raises:
        ValueError: a stride other than 1 without `temporal`.
    """

    pooling: Tensor

    def __init__(
        self,
        width: int = 64,
        depth: int = 3,
        stem_stride: int = 1,
        strides: Sequence[int] = (1, 1, 1),
        identity: bool = False,
        normalised: bool = False,
        face: bool = True,
        concatenate: bool = True,
        exchange: bool = False,
        temporal: bool = False,
        geometry: bool = False,
        bones: bool = False,
        distances: bool = False,
        contact: bool = False,
        scales: Sequence[int] = (1, 4, 0),
        by_parts: bool = False,
    ):
        hyperparameters = arguments(locals())
        super().__init__()
        if not temporal and any(stride != 1 for stride in strides):
            raise ValueError("strides other than 1 need temporal modules")
        self.hyperparameters = hyperparameters
        self.clips: list[list[str]] = []
        self.scales, self.stem_stride = list(scales), stem_stride
        self.joints = list(range(len(JOINTS)) if face else BODY)
        self.embedding = JointEmbedding(width, identity, len(self.joints))
        self.geometry = nn.Linear(6, width, bias=False) if geometry else None
        self.bones = nn.Linear(2, width, bias=False) if bones else None
        self.distances = nn.Linear(len(self.joints), width, bias=False) if distances else None
        self.contact = nn.Linear(3, width, bias=False) if contact else None
        self.position = nn.Parameter(torch.randn(STEPS // stem_stride, 1, width) * 0.02)
        encoders = (GINEncoder(width, width, depth, normalised, self.joints) for _ in strides)
        self.layers = nn.ModuleList(
            Layer(encoder, width, exchange, concatenate, temporal, stride)
            for encoder, stride in zip(encoders, strides, strict=True)
        )
        groups = list(PARTS.values()) if by_parts else [self.joints]
        self.register_buffer("pooling", _averaging(self.joints, groups), persistent=False)
        self.width = 2 * len(groups) * len(self.scales) * width

    def features(self, window: Tensor, present: Tensor) -> Tensor:
        """Compute the features [B, F] that the classifier sees.

        They do not depend on which of two people is person 0.

        Args:
            window: [B, 2, 64, 17, 2] in torso lengths.
            present: bool [B, 2, 64, 17]. Absent joints are replaced by [MASK]; people who are
                absent throughout are left out.
        """
        people = present.any(dim=3).any(dim=2)
        rows, here, partner = rows_of_people(people)
        joints, visible = window.flatten(0, 1)[here], present.flatten(0, 1)[here]
        x = self.encode(joints, visible, partner)
        return _over_people(self.pool(x, visible.any(dim=2)), rows, people)

    def encode(self, joints: Tensor, visible: Tensor, partner: Tensor) -> Tensor:
        """Compute the features of the last layer, [R, T', N, D]. Arguments as in `embed`."""
        x = self.embed(joints, visible, partner)  # [R, T, N, D]
        for layer in self.layers:
            x = layer(x, partner)
        return x

    def embed(self, joints: Tensor, visible: Tensor, partner: Tensor) -> Tensor:
        """Embed coordinates and input features at every `stem_stride`-th step.

        Args:
            joints: [R, 64, 17, 2] in torso lengths.
            visible: bool [R, 64, 17].
            partner: int [R], the row of each person's partner; R without one.

        Returns:
            [R, T, N, D].
        """
        used, steps = self.joints, slice(self.stem_stride - 1, None, self.stem_stride)
        all_joints, all_visible = joints, visible
        joints, visible = joints[:, steps], visible[:, steps]  # [R, T, 17, 2], [R, T, 17]
        x = self.embedding(joints[:, :, used], visible[:, :, used]) + self.position
        if self.geometry is not None:
            motion = position_and_velocity(all_joints, all_visible)
            x = x + self.geometry(motion[:, steps][:, :, used])
        if self.bones is not None:
            x = x + self.bones(bone_directions(joints, visible)[:, :, used])
        if self.distances is not None:
            x = x + self.distances(joint_distances(joints[:, :, used], visible[:, :, used]))
        if self.contact is not None:
            other = functional.pad(joints, (0, 0, 0, 0, 0, 0, 0, 1))[partner]
            other_visible = functional.pad(visible, (0, 0, 0, 0, 0, 1))[partner]
            near = partner_contact(joints, visible, other, other_visible)
            x = x + self.contact(near[:, :, used])
        return x

    def pool(self, x: Tensor, here: Tensor) -> Tensor:
        """Pool over joints, then over time at several scales.

        Each scale averages over windows of its length, half overlapping, and takes the maximum over
        windows. Steps at which a person is absent do not count.

        Args:
            x: [R, T', N, D].
            here: bool [R, 64], the steps at which a person is present.

        Returns:
            [R, F].
        """
        x = (self.pooling.to(x.dtype) @ x).flatten(2).float()  # [R, T', parts × D]
        steps = int(x.shape[1])
        here = here.unflatten(1, (steps, -1)).any(dim=2)[:, None].float()
        x = x.transpose(1, 2) * here  # [R, parts × D, T']
        pooled = []
        for scale in self.scales:
            size = scale or steps
            span = size, max(size // 2, 1)
            share = functional.avg_pool1d(here, *span)
            mean = functional.avg_pool1d(x, *span) / share.clamp(min=1 / size)
            pooled.append(mean.masked_fill(share == 0, -torch.inf).amax(dim=2))
        return torch.cat(pooled, dim=1)

    def save(self, path: str | Path) -> None:
        """Write weights, hyper-parameters and the list of clips to a safetensors file.

        Raises:
            UserError: the file cannot be written.
        """
        header = {"hyperparameters": self.hyperparameters, "clips": self.clips}
        write_checkpoint(path, "strl_backbone", self, header)

    @classmethod
    def load(cls, path: str | Path) -> "Backbone":
        """Read a checkpoint that `save` wrote. The network is in evaluation mode.

        Raises:
            UserError: the file is missing, not a checkpoint of a backbone, or of another version.
        """
        tensors, header = read_checkpoint(path, "strl_backbone")
        model = build(path, tensors, lambda: cls(**header["hyperparameters"]))
        model.clips = header["clips"]
        return model


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

    def save(self, path: str | Path) -> None:
        """Write weights, vocabulary, calibration and the list of clips to a safetensors file.

        Raises:
            UserError: the file cannot be written.
        """
        header = {
            "hyperparameters": self.hyperparameters,
            "labels": [asdict(label) for label in self.labels],
            "thresholds": self.thresholds,
            "temperature": self.temperature,
            "clips": self.clips,
        }
        write_checkpoint(path, "strl", self, header)

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "cpu") -> "STRL":
        """Read a checkpoint that `save` wrote. The network is in evaluation mode.

        Raises:
            UserError: the file is missing, not an STRL checkpoint, or of another version.
        """
        tensors, header = read_checkpoint(path, "strl")
        labels = [Label(**label) for label in header["labels"]]
        model = build(path, tensors, lambda: cls(labels, **header["hyperparameters"]))
        model.temperature, model.clips = header["temperature"], header["clips"]
        model.thresholds = {int(n): value for n, value in header["thresholds"].items()}
        return model.to(device)


NETWORKS: dict[str, type[STRL] | type[Backbone] | type[SkeletonMAE]] = {
    "strl": STRL,
    "strl_backbone": Backbone,
    "skeleton_mae": SkeletonMAE,
}
"""The network of each kind of checkpoint."""


def load_network(path: str | Path) -> Backbone | SkeletonMAE:
    """Read a checkpoint of any network; a classifier is a backbone too. It is in evaluation mode.

    Raises:
        UserError: the file is missing, or no checkpoint of this project.
    """
    return NETWORKS[read_kind(path)].load(path)


def _near_identity(width: int) -> nn.Linear:
    """Linear layer that starts near the identity."""
    layer = nn.Linear(width, width)
    with torch.no_grad():
        layer.weight += torch.eye(width)
    return layer


def _small_linear(width: int) -> nn.Linear:
    """Linear layer that starts small: its input, a sum over joints, would drown out each joint."""
    layer = nn.Linear(width, width, bias=False)
    with torch.no_grad():
        layer.weight /= len(JOINTS)
    return layer


def _averaging(joints: Sequence[int], groups: Sequence[Sequence[int]]) -> Tensor:
    """Matrix [G, N] that averages features of N joints over each of G groups of joints."""
    inside = torch.tensor([[joint in group for joint in joints] for group in groups])
    return inside / inside.sum(dim=1, keepdim=True)


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


def rows_of_people(people: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Number the R people present in a batch.

    Indexing by a mask would be shorter, but its shapes depend on values, which cannot be exported.

    Args:
        people: bool [B, 2], who is present.

    Returns:
        The row of each person, int [B, 2], and R for absent people; the place of each row among the
        2 B people, int [R]; and the row of each row's partner, int [R], and R without one.
    """
    number = people.flatten().long().cumsum(dim=0).view(people.shape)
    rows = torch.where(people, number - 1, people.sum())
    here = people.flatten().nonzero()[:, 0]
    return rows, here, rows.flip(1).flatten()[here]


def _over_people(x: Tensor, rows: Tensor, people: Tensor) -> Tensor:
    """Mean and maximum over the people of each window, [R, F] to [B, 2 F]; 0 if nobody is present.

    Args:
        x: [R, F].
        rows: int [B, 2], see `rows_of_people`.
        people: bool [B, 2], who is present.
    """
    spread = functional.pad(x, (0, 0, 0, 1))[rows]
    mean = spread.sum(dim=1) / people.sum(dim=1, keepdim=True).clamp(min=1)
    peak = spread.masked_fill(~people[..., None], -torch.inf).amax(dim=1)
    peak = torch.where(people.any(dim=1, keepdim=True), peak, 0)
    return torch.cat([mean, peak], dim=1)
