"""SkeletonMAE: graph-based masked autoencoder for skeletons (Yan et al., ICCV 2023, 3.1)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.action.checkpoint import Stored, arguments
from models.action.gin import GINEncoder, GINLayer
from models.skeleton import BODY, JOINTS, PARTS


class JointEmbedding(nn.Module):
    """Linear embedding of joint coordinates, with a learnt [MASK] for joints that are not visible.

    SkeletonMAE trains it and STRL starts from it. The linear map has a bias because a cosine loss
    compares directions only: without a bias, the direction of an embedded joint does not depend on
    its distance from the origin. Weights and bias start with a standard deviation of 1, which gives
    joints at body-sized distances clearly different directions.

    Args:
        width: D, features per joint.
        identity: add a learnt vector per joint, so that a masked joint can be identified.
        joints: N, the number of joints.
    """

    def __init__(self, width: int, identity: bool, joints: int = len(JOINTS)):
        super().__init__()
        self.linear = nn.Linear(2, width)
        nn.init.normal_(self.linear.weight)
        nn.init.normal_(self.linear.bias)
        self.mask = nn.Parameter(torch.randn(width))
        self.identity = nn.Parameter(torch.randn(joints, width) * 0.5) if identity else None

    def forward(self, joints: Tensor, visible: Tensor) -> Tensor:
        """Embed joints.

        Args:
            joints: [..., N, 2] in torso lengths.
            visible: bool [..., N]; other joints are replaced by [MASK].

        Returns:
            [..., N, D].
        """
        x = torch.where(visible[..., None], self.linear(joints), self.mask)
        return x if self.identity is None else x + self.identity


class SkeletonMAE(Stored):
    """Masked autoencoder that masks whole body parts and reconstructs the features of their joints.

    Args:
        width: D, features per joint of the embedding and of the reconstruction.
        hidden: D_h, features per joint of the encoder's output.
        depth: L_D, GIN layers of the encoder. The decoder has one.
        masked_parts: smallest and largest number of the six parts to mask in a frame.
        beta: power of the re-weighted cosine error (equation 2).
        identity: see `JointEmbedding`.
        normalised: normalise the adjacency, see `models.action.gin.adjacency`.
        part_masking: if False, mask single joints drawn at random, as many as the parts have.
        mean_loss: divide by the number of masked joints |V̄| outside the power, as GraphMAE does,
            and not inside it, as in equation 2.
        face: if False, leave eyes and ears, which are never visible, out of the graph: N = 13
            joints and not 17.

    Attributes:
        hyperparameters: the arguments, as stored in a checkpoint.
        clips: [name, fingerprint] of every training clip.
        joints: the N joints of the graph, as COCO indices.
    """

    kind = "skeleton_mae"
    membership: Tensor

    def __init__(
        self,
        width: int = 64,
        hidden: int = 64,
        depth: int = 3,
        masked_parts: Sequence[int] = (1, 2),
        beta: float = 2.0,
        identity: bool = False,
        normalised: bool = False,
        part_masking: bool = True,
        mean_loss: bool = False,
        face: bool = True,
    ):
        hyperparameters = arguments(locals())
        super().__init__()
        self.hyperparameters = hyperparameters
        self.clips = []
        self.masked_parts, self.part_masking = tuple(masked_parts), part_masking
        self.beta, self.mean_loss = beta, mean_loss
        self.joints = list(range(len(JOINTS)) if face else BODY)
        self.embedding = JointEmbedding(width, identity, len(self.joints))
        self.encoder = GINEncoder(width, hidden, depth, normalised, self.joints)
        self.decoder = GINLayer(hidden, width, normalised, self.joints)
        membership = torch.zeros(len(PARTS), len(JOINTS), dtype=torch.bool)
        for part, joints in enumerate(PARTS.values()):
            membership[part, list(joints)] = True
        self.register_buffer("membership", membership[:, self.joints], persistent=False)

    def forward(self, joints: Tensor, present: Tensor) -> Tensor:
        """Loss of reconstructing the masked joints of F frames, a scalar.

        Args:
            joints: [F, 17, 2] in torso lengths.
            present: bool [F, 17]; absent joints are neither inputs nor targets.
        """
        joints, present = joints[:, self.joints], present[:, self.joints]
        masked = self.draw_mask(len(joints))
        return self.loss(joints, self.rebuild(joints, present & ~masked), present & masked)

    def draw_mask(self, frames: int) -> Tensor:
        """Draw the joints V̄ to mask in each frame, one or more whole parts: bool [F, N]."""
        device, parts = self.membership.device, len(self.membership)
        fewest, most = self.masked_parts
        count = torch.randint(fewest, most + 1, (frames, 1), device=device)
        order = torch.rand(frames, parts, device=device).argsort(dim=1).argsort(dim=1)
        mask = ((order < count).float() @ self.membership.float()) > 0
        if self.part_masking:
            return mask
        order = torch.rand(mask.shape, device=device).argsort(dim=1).argsort(dim=1)
        return order < mask.sum(dim=1, keepdim=True)

    def rebuild(self, joints: Tensor, visible: Tensor) -> Tensor:
        """Reconstruct all joints from the visible ones: Y = G_D(A, G_E(A, X̄)) (equation 1).

        Args:
            joints: [F, N, 2] in torso lengths.
            visible: bool [F, N].

        Returns:
            Y, [F, N, D].
        """
        return self.decoder(self.encoder(self.embedding(joints, visible)).relu())

    def loss(self, joints: Tensor, rebuilt: Tensor, counted: Tensor) -> Tensor:
        """Re-weighted cosine error (equation 2), the mean over frames.

        The target is the learnt embedding itself. No gradient reaches it, because otherwise a
        constant embedding would minimise the loss.

        Args:
            joints: [F, N, 2] in torso lengths.
            rebuilt: Y, [F, N, D].
            counted: bool [F, N], the joints that count.

        Returns:
            A scalar; frames without a counted joint are left out of the mean.
        """
        target = self.embedding.linear(joints).detach()
        error = 1 - torch.cosine_similarity(target, rebuilt, dim=-1).clamp(max=1)
        size = counted.sum(dim=-1, keepdim=True).clamp(min=1)
        error = error.pow(self.beta) / size if self.mean_loss else (error / size).pow(self.beta)
        frames = counted.any(dim=-1).sum().clamp(min=1)
        return torch.where(counted, error, 0.0).sum() / frames

    @torch.no_grad()
    def locate(self, rebuilt: Tensor) -> Tensor:
        """Find the coordinates whose embeddings have the direction of reconstructed features.

        Solves s (W p + b) = y for s p and s by least squares. That this works shows that the
        features keep angle and distance.

        Args:
            rebuilt: Y, [..., D].

        Returns:
            p, [..., 2] in torso lengths.
        """
        linear = self.embedding.linear
        basis = torch.cat([linear.weight, linear.bias[:, None]], dim=1)
        solution = torch.linalg.lstsq(basis, rebuilt.reshape(-1, len(basis)).T).solution.T
        return (solution[:, :2] / solution[:, 2:]).reshape(*rebuilt.shape[:-1], 2)
