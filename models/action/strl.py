"""STRL: spatial-temporal representation learning (Yan et al., ICCV 2023, section 3.2).

The classifier of the live program: pre-trained spatial modules, temporal modules, two people.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.action.checkpoint import read_checkpoint, write_checkpoint
from models.action.features import contact, directions, distances, geometry
from models.action.gin import GINEncoder
from models.action.label import Label
from models.action.skeleton_mae import JointEmbedding, SkeletonMAE
from models.errors import UserError
from models.sample import STEPS
from models.skeleton import BODY, JOINTS, PARTS


class SpatialModule(nn.Module):
    """SM(H) = Repeat(SumPool(G_E(Ã, H)); N) ⊕ H (equation 3).

    ⊕ is concatenation followed by a 1×1 convolution, or a plain sum. With `exchange`, the partner's
    pooled vector joins by such a convolution too: symmetric, since who is person 0 is arbitrary.
    """

    def __init__(self, encoder: GINEncoder, width: int, exchange: bool, concatenate: bool = True):
        super().__init__()
        self.encoder = encoder
        self.join_joints = nn.Linear(width, width) if concatenate else nn.Identity()
        self.join_body = nn.Linear(width, width, bias=False) if concatenate else nn.Identity()
        self.join_partner = nn.Linear(width, width, bias=False) if exchange else None
        with torch.no_grad():  # a sum over the body would drown out its joints at first
            if concatenate:
                self.join_joints.weight += torch.eye(width)
                self.join_body.weight /= len(JOINTS)
            if exchange:
                self.join_partner.weight /= len(JOINTS)

    def forward(self, x: Tensor, partner: Tensor) -> Tensor:
        """Features [R, T, N, D] of R people, and the row of each one's partner (R: none)."""
        body = self.encoder(x).sum(dim=2)
        joined = self.join_body(body)
        if self.join_partner is not None:
            meeting = self.join_partner(body)
            joined = joined + functional.pad(meeting, (0, 0, 0, 0, 0, 1))[partner]
        return self.join_joints(x) + joined[:, :, None]


class TemporalModule(nn.Module):
    """Dilated temporal convolutions, max-pooling and a plain branch side by side.

    Multi-scale temporal modelling as in MS-G3D (Liu et al., CVPR 2020) and CTR-GCN (Chen et al.,
    ICCV 2021), a quarter of the channels each.
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
        x = x.permute(0, 3, 1, 2)  # channels last in memory: nothing is copied
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
    """H' = ReLU(SM(H) W) (equation 4), then a temporal module where the config asks for one."""

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
        self.weight = nn.Linear(width, width, bias=False)
        with torch.no_grad():
            self.weight.weight += torch.eye(width)
        self.norm = nn.BatchNorm2d(width)
        self.temporal = TemporalModule(width, stride) if temporal else None

    def forward(self, x: Tensor, partner: Tensor) -> Tensor:
        """Features [R, T, N, D] to [R, T / stride, N, D]."""
        x = self.weight(self.spatial(x, partner)).permute(0, 3, 1, 2)
        x = self.norm(x).relu().permute(0, 2, 3, 1)
        return x if self.temporal is None else self.temporal(x)


class STRL(nn.Module):
    """Windows of one or two people to logits over labels and "none of these".

    Args:
        labels: the vocabulary.
        width: D.
        depth: L_D, GIN layers of the encoder in each spatial module.
        stem_stride: of the steps of the embedded window; speed is measured before.
        strides: one temporal stride a layer; their number is M.
        identity, normalised, face: as in SkeletonMAE.
        concatenate: ⊕ is concatenation and a 1×1 convolution, and not a sum.
        exchange: let the two people's pooled vectors meet in every layer.
        temporal: multi-scale temporal modules after every layer.
        geometry: also embed where joints are relative to the body, and how they move.
        bones: also embed the direction of each bone, which other proportions leave as it is.
        distances: also embed how far each joint is from every other, whatever way the body turns.
        contact: also embed where the other person is, and how near to each joint.
        scales: spans, in steps of the last layer, averaged over before the maximum over time is
            taken (multi-scale temporal pooling); 0 is the whole window.
        by_parts: pool the joints by part and not over the whole body.
        by_people: one person is never given a label of two, nor two people a label of one.
        hidden, dropout: of the classifier's MLP.

    Attributes:
        labels: the vocabulary, in the order of the logits.
        temperature: divides the logits in `probabilities`; fitted on validation clips.
        thresholds: the probability below which nothing should be said, for windows of one person
            and of two: {1: float, 2: float}.
        clips: [name, fingerprint] of every clip that pre-training or fine-tuning saw.
    """

    def __init__(
        self,
        labels: Sequence[Label],
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
        by_people: bool = False,
        hidden: int = 128,
        dropout: float = 0.0,
    ):
        super().__init__()
        if not temporal and any(stride != 1 for stride in strides):
            raise ValueError("strides other than 1 need temporal modules")
        self.labels = list(labels)
        self.thresholds, self.temperature = {1: 0.5, 2: 0.5}, 1.0
        self.clips: list[list[str]] = []  # names and fingerprints of what it was trained on
        self.hyperparameters = {
            "width": width,
            "depth": depth,
            "stem_stride": stem_stride,
            "strides": list(strides),
            "identity": identity,
            "normalised": normalised,
            "face": face,
            "concatenate": concatenate,
            "exchange": exchange,
            "temporal": temporal,
            "geometry": geometry,
            "bones": bones,
            "distances": distances,
            "contact": contact,
            "scales": list(scales),
            "by_parts": by_parts,
            "by_people": by_people,
            "hidden": hidden,
            "dropout": dropout,
        }
        self.scales, self.by_people, self.stem_stride = list(scales), by_people, stem_stride
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
        inside = torch.tensor([[joint in group for joint in self.joints] for group in groups])
        pooling = inside / inside.sum(dim=1, keepdim=True)
        self.register_buffer("pooling", pooling, persistent=False)
        features = len(groups) * len(self.scales) * width
        self.classifier = nn.Sequential(
            nn.LayerNorm(2 * features),
            nn.Dropout(dropout),
            nn.Linear(2 * features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, len(self.labels) + 1),
        )
        needed = torch.tensor([label.people for label in self.labels] + [0])
        self.register_buffer("needed", needed, persistent=False)

    def forward(self, window: Tensor, present: Tensor) -> Tensor:
        """Logits [B, labels + 1], the last one "none of these".

        Args:
            window: [B, 2, 64, 17, 2] in body lengths.
            present: bool [B, 2, 64, 17]; what is absent is replaced by [MASK], and people who are
                absent throughout are left out.
        """
        logits = self.classifier(self.features(window, present))
        if not self.by_people:
            return logits
        count = present.any(dim=3).any(dim=2).sum(dim=1, keepdim=True)
        return logits.masked_fill((self.needed != count) & (self.needed > 0), -torch.inf)

    def features(self, window: Tensor, present: Tensor) -> Tensor:
        """What the classifier sees, [B, F], whoever is called person 0."""
        people = present.any(dim=3).any(dim=2)
        rows = _rows(people)
        here = people.flatten().nonzero()[:, 0]
        joints, visible = window.flatten(0, 1)[here], present.flatten(0, 1)[here]
        partner = rows.flip(1).flatten()[here]
        x = self.embed(joints, visible, partner)  # [R, T, N, D]
        for layer in self.layers:
            x = layer(x, partner)  # [R, T', N, D]
        return _over_people(self.pool(x, visible.any(dim=2)), rows, people)

    def embed(self, joints: Tensor, visible: Tensor, partner: Tensor) -> Tensor:
        """People [R, 64, 17, 2] as features [R, T, N, D] of every `stem_stride`-th step."""
        steps = slice(self.stem_stride - 1, None, self.stem_stride)
        joints_, visible_ = joints[:, steps], visible[:, steps]
        x = self.embedding(joints_[:, :, self.joints], visible_[:, :, self.joints]) + self.position
        if self.geometry is not None:
            x = x + self.geometry(geometry(joints, visible)[:, steps][:, :, self.joints])
        if self.bones is not None:
            x = x + self.bones(directions(joints_, visible_)[:, :, self.joints])
        if self.distances is not None:
            x = x + self.distances(
                distances(joints_[:, :, self.joints], visible_[:, :, self.joints])
            )
        if self.contact is not None:
            other = functional.pad(joints_, (0, 0, 0, 0, 0, 0, 0, 1))[partner]
            seen = functional.pad(visible_, (0, 0, 0, 0, 0, 1))[partner]
            x = x + self.contact(contact(joints_, visible_, other, seen)[:, :, self.joints])
        return x

    def pool(self, x: Tensor, here: Tensor) -> Tensor:
        """Multi-scale temporal pooling, [R, T', N, D] to [R, F], where the person is here."""
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

    @property
    def threshold(self) -> float:
        """The threshold for windows of one person."""
        return self.thresholds[1]

    def probabilities(self, logits: Tensor) -> Tensor:
        """Calibrated probabilities [B, labels + 1]: softmax at the temperature that was fitted."""
        return (logits.float() / self.temperature).softmax(dim=-1)

    @torch.inference_mode()
    def answer(self, window: np.ndarray, present: np.ndarray) -> np.ndarray:
        """`probabilities` of arrays instead of tensors, on whatever device this is."""
        device = self.position.device
        inputs = (torch.from_numpy(array).to(device) for array in (window, present))
        return self.probabilities(self(*inputs)).cpu().numpy()

    def adopt(self, pretrained: SkeletonMAE) -> list[str]:
        """Start from a pre-trained embedding, [MASK] and encoder, one copy of it a layer.

        Returns:
            Names of the parameters that were set.

        Raises:
            UserError: the pre-trained network has another shape.
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

    def inherit(self, other: "STRL") -> None:
        """Start from another classifier, all of it, but its last layer if its labels are others.

        Raises:
            UserError: the other network has another shape.
        """
        source = other.state_dict()
        if [label.name for label in other.labels] != [label.name for label in self.labels]:
            last = f"classifier.{len(self.classifier) - 1}."
            own = self.state_dict()
            source = {k: own[k] if k.startswith(last) else v for k, v in source.items()}
        try:
            self.load_state_dict(source)
        except RuntimeError as error:
            raise UserError("the classifier to go on from differs from the config") from error

    def save(self, path: str | Path) -> None:
        """Write weights, vocabulary, calibration and the list of clips to a safetensors file."""
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
        """Read what `save` wrote, in eval mode.

        Raises:
            UserError: the file is missing, or no STRL checkpoint, or one of another shape.
        """
        tensors, header = read_checkpoint(path, "strl")
        try:
            model = cls([Label(**label) for label in header["labels"]], **header["hyperparameters"])
            model.load_state_dict(tensors)
            model.temperature, model.clips = header["temperature"], header["clips"]
            model.thresholds = {int(n): value for n, value in header["thresholds"].items()}
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{path} does not fit this version of STRL: {reason}") from error
        return model.to(device).eval()


def load_network(path: str | Path) -> STRL | SkeletonMAE:
    """Whichever of the two networks a checkpoint holds, in eval mode.

    Raises:
        UserError: it is missing, or neither.
    """
    try:
        return STRL.load(path)
    except UserError:
        return SkeletonMAE.load(path)


def _rows(people: Tensor) -> Tensor:
    """Number of each present person among the R of the batch, and R for absent ones, [B, 2].

    Without the shapes that depend on values which indexing by a mask has, so that it exports.
    """
    number = people.flatten().long().cumsum(dim=0).view(people.shape)
    return torch.where(people, number - 1, people.sum())


def _over_people(x: Tensor, rows: Tensor, people: Tensor) -> Tensor:
    """Mean and maximum over the people present: [R, F] to [B, 2 F]; zeros where nobody is."""
    spread = functional.pad(x, (0, 0, 0, 1))[rows]
    mean = spread.sum(dim=1) / people.sum(dim=1, keepdim=True).clamp(min=1)
    peak = spread.masked_fill(~people[..., None], -torch.inf).amax(dim=1)
    peak = torch.where(people.any(dim=1, keepdim=True), peak, 0)
    return torch.cat([mean, peak], dim=1)
