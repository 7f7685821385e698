"""STRL without its head: from windows to features, which pre-training and teaching share.

Shapes: B windows, R people present in them, T time steps, N joints, D features.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.action.checkpoint import Stored, arguments
from models.action.features import (
    bone_directions,
    joint_distances,
    partner_contact,
    position_and_velocity,
)
from models.action.gin import GINEncoder
from models.action.layers import Layer
from models.action.skeleton_mae import JointEmbedding
from models.sample import STEPS
from models.skeleton import BODY, JOINTS, PARTS


class Backbone(Stored):
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

    kind = "strl_backbone"
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
        self.clips = []
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


def _averaging(joints: Sequence[int], groups: Sequence[Sequence[int]]) -> Tensor:
    """Matrix [G, N] that averages features of N joints over each of G groups of joints."""
    inside = torch.tensor([[joint in group for joint in joints] for group in groups])
    return inside / inside.sum(dim=1, keepdim=True)


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
