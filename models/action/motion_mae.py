"""MotionMAE: masked autoencoder of whole windows, which pre-trains all of STRL but its head.

SkeletonMAE rebuilds single frames, and so learns what bodies look like. Here body parts are masked
over spans of time, and what is predicted is how they move, as in MAMP (Mao et al., ICCV 2023,
"Masked motion predictors are strong 3D action representation learners"). Shapes: B windows, R
people present in them, T' time steps of the last layer, N joints, D features, C target values.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.action.backbone import Backbone, rows_of_people
from models.action.features import TORSO, position_and_velocity
from models.action.gin import GINLayer
from models.errors import UserError
from models.sample import STEPS
from models.skeleton import JOINTS, PARTS

TARGETS = {"position": (0, 0), "step": (2, 1), "motion": (4, 4)}
"""What can be predicted: the position relative to the torso, and the velocity over 2 and over 8
steps. The values are the first channel in `features.position_and_velocity`, and the steps before
and after that it is computed from."""

_PART_OF = [
    next(part for part, joints in enumerate(PARTS.values()) if joint in joints)
    for joint in range(len(JOINTS))
]


class MotionMAE(nn.Module):
    """Masked autoencoder that masks body parts over spans of time, and predicts their motion.

    A masked joint is an absent joint to the backbone, so that none of its input features shows it,
    and nothing about the input is new to a network that is fine-tuned afterwards.

    Args:
        backbone: arguments of `Backbone`.
        share: fraction of a person's parts and spans to mask.
        span: steps of a span. A new window has its spans begin elsewhere.
        targets: what to predict, of `TARGETS`.
        by_joint: scale the targets to unit size for each joint of a window, so that small motion
            counts as much as large motion, and not for each person.
        floor: smallest size to scale up, so that the noise of still joints does not count; in
            torso lengths, and torso lengths per second.
        beta: power of the re-weighted cosine error (SkeletonMAE, equation 2), here between true and
            predicted values of a joint over the steps of one output; 0 means the squared error.

    Attributes:
        backbone: the network to pre-train.

    Raises:
        UserError: a target is unknown.
    """

    part_of: Tensor

    def __init__(
        self,
        backbone: dict[str, Any],
        share: float = 0.6,
        span: int = 16,
        targets: Sequence[str] = ("motion",),
        by_joint: bool = True,
        floor: float = 0.3,
        beta: float = 0.0,
    ):
        super().__init__()
        if unknown := set(targets) - TARGETS.keys():
            raise UserError(
                f"unknown targets: {', '.join(unknown)}; use some of {', '.join(TARGETS)}"
            )
        self.backbone = Backbone(**backbone)
        self.share, self.span, self.targets = share, span, tuple(targets)
        self.by_joint, self.floor, self.beta = by_joint, floor, beta
        width = int(self.backbone.position.shape[-1])
        steps = len(self.backbone.position)
        for stride in self.backbone.hyperparameters["strides"]:
            steps = -(-steps // stride)
        self.group = STEPS // steps
        normalised = self.backbone.hyperparameters["normalised"]
        self.decoder = nn.Sequential(
            GINLayer(width, width, normalised, self.backbone.joints),
            nn.ReLU(),
            nn.Linear(width, self.group * 2 * len(self.targets)),
        )
        self.register_buffer("part_of", torch.tensor(_PART_OF), persistent=False)

    def forward(self, window: Tensor, present: Tensor) -> Tensor:
        """Loss of predicting what is masked, a scalar.

        Args:
            window: [B, 2, 64, 17, 2] in torso lengths.
            present: bool [B, 2, 64, 17]; absent joints are neither inputs nor targets.
        """
        _, here, partner = rows_of_people(present.any(dim=3).any(dim=2))
        joints, present = window.flatten(0, 1)[here], present.flatten(0, 1)[here]
        masked = self.draw_mask(len(joints))
        predicted = self.predict(joints, present & ~masked, partner)
        target, known = self.target(joints, present)
        return self.loss(predicted, target, known & masked[:, :, self.backbone.joints])

    def draw_mask(self, people: int) -> Tensor:
        """Draw what to mask, whole parts over whole spans: bool [R, 64, 17]."""
        device, parts, spans = self.part_of.device, len(PARTS), -(-STEPS // self.span) + 1
        order = torch.rand(people, parts * spans, device=device).argsort(dim=1).argsort(dim=1)
        masked = (order < round(self.share * parts * spans)).view(people, parts, spans)
        begin = torch.randint(self.span, (people, 1), device=device)
        span_of = (torch.arange(STEPS, device=device) + begin) // self.span  # [R, 64]
        masked = masked.gather(2, span_of[:, None].expand(-1, parts, -1))
        return masked[:, self.part_of].transpose(1, 2)

    def predict(self, joints: Tensor, visible: Tensor, partner: Tensor) -> Tensor:
        """Predict the targets [R, 64, N, C] of all joints from the visible ones.

        Args:
            joints: [R, 64, 17, 2] in torso lengths.
            visible: bool [R, 64, 17].
            partner: int [R], the row of each person's partner; R without one.
        """
        x = self.decoder(self.backbone.encode(joints, visible, partner))  # [R, T', N, steps × C]
        return x.float().unflatten(3, (self.group, -1)).transpose(2, 3).flatten(1, 2)

    def target(self, joints: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Compute scaled targets.

        Args:
            joints: [R, 64, 17, 2] in torso lengths.
            present: bool [R, 64, 17].

        Returns:
            The targets [R, 64, N, C], and bool [R, 64, N], whether all of them are known.
        """
        values = position_and_velocity(joints, present)
        known = present & present[:, :, TORSO].any(dim=2, keepdim=True)
        parts = []
        for first, reach in (TARGETS[name] for name in self.targets):
            both = present[:, 2 * reach :] & present[:, : STEPS - 2 * reach]
            known = known & functional.pad(both, (0, 0, reach, reach))
            parts.append(values[..., first : first + 2])
        target, known = torch.stack(parts, dim=-2), known[:, :, self.backbone.joints]
        target = target[:, :, self.backbone.joints] * known[..., None, None]  # [R, 64, N, _, 2]
        over = (1,) if self.by_joint else (1, 2)
        count = known.sum(dim=over, keepdim=True).clamp(min=1)[..., None, None]
        size = (target.square().sum(-1, keepdim=True).sum(over, keepdim=True) / count).sqrt()
        return (target / size.clamp(min=self.floor)).flatten(3), known

    def loss(self, predicted: Tensor, target: Tensor, counted: Tensor) -> Tensor:
        """Mean error of predictions.

        Args:
            predicted, target: [R, 64, N, C].
            counted: bool [R, 64, N], what counts.
        """
        if self.beta:
            counted = counted.unflatten(1, (-1, self.group))
            told, true = (
                (x.unflatten(1, (-1, self.group)) * counted[..., None]).transpose(2, 3).flatten(3)
                for x in (predicted, target)
            )  # [R, T', N, steps × C]
            error = (1 - torch.cosine_similarity(told, true, dim=3).clamp(max=1)).pow(self.beta)
            counted = counted.any(dim=2)
        else:
            error = (predicted - target).square().mean(dim=3)
        return torch.where(counted, error, 0.0).sum() / counted.sum().clamp(min=1)
