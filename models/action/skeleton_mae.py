"""SkeletonMAE: graph-based masked autoencoder for skeletons (Yan et al., ICCV 2023, 3.1)."""

from pathlib import Path

import torch
from torch import Tensor, nn

from models.action.checkpoint import read_checkpoint, write_checkpoint
from models.action.gin import GINEncoder, GINLayer
from models.errors import UserError
from models.skeleton import BODY, JOINTS, PARTS


class JointEmbedding(nn.Module):
    """Coordinates to features: what SkeletonMAE learns to see with, and STRL takes over.

    The linear map has a bias: without one the direction of an embedded joint, which is all that a
    cosine loss compares, forgets how far the joint is from the origin. The unit weights and bias
    it starts from put joints at body-sized distances in clearly different directions.

    Args:
        width: D.
        identity: add a learnt vector a joint, so that a masked joint still says which one it is.
    """

    def __init__(self, width: int, identity: bool, joints: int = len(JOINTS)):
        super().__init__()
        self.linear = nn.Linear(2, width)
        nn.init.normal_(self.linear.weight)
        nn.init.normal_(self.linear.bias)
        self.mask = nn.Parameter(torch.randn(width))
        self.identity = nn.Parameter(torch.randn(joints, width) * 0.5) if identity else None

    def forward(self, joints: Tensor, visible: Tensor) -> Tensor:
        """Coordinates [..., N, 2], visible bool [..., N] to [..., N, D]; [MASK] elsewhere."""
        x = torch.where(visible[..., None], self.linear(joints), self.mask)
        return x if self.identity is None else x + self.identity


class SkeletonMAE(nn.Module):
    """Masks whole parts of a body and rebuilds the features of their joints.

    Args:
        width: D, of the embedding and of the rebuilt features.
        hidden: D_h, of the encoder's output.
        depth: L_D, the encoder's GIN layers; the decoder always has one.
        masked_parts: (fewest, most) of the six parts masked in a frame.
        beta: power of the re-weighted cosine error.
        identity: see `JointEmbedding`.
        normalised: normalise the adjacency.
        part_masking: False masks as many single joints, drawn at random, instead of parts.
        face: False leaves eyes and ears out of the graph (N = 13 and not 17): they are never seen.
        mean_loss: divide by |V̄| outside the power (GraphMAE) and not inside (the notes).
    """

    def __init__(
        self,
        width: int = 64,
        hidden: int = 64,
        depth: int = 3,
        masked_parts: tuple[int, int] = (1, 2),
        beta: float = 2.0,
        identity: bool = False,
        normalised: bool = False,
        part_masking: bool = True,
        mean_loss: bool = False,
        face: bool = True,
    ):
        super().__init__()
        self.hyperparameters = {
            "width": width,
            "hidden": hidden,
            "depth": depth,
            "masked_parts": list(masked_parts),
            "beta": beta,
            "identity": identity,
            "normalised": normalised,
            "part_masking": part_masking,
            "mean_loss": mean_loss,
            "face": face,
        }
        self.clips: list[list[str]] = []  # names and fingerprints of what it was trained on
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
        """Loss of rebuilding the masked joints of F frames.

        Args:
            joints: [F, 17, 2] in body lengths.
            present: bool [F, 17].
        """
        joints, present = joints[:, self.joints], present[:, self.joints]
        masked = self.draw_mask(len(joints))
        return self.loss(joints, self.rebuild(joints, present & ~masked), present & masked)

    def draw_mask(self, frames: int) -> Tensor:
        """Joints to mask, bool [F, N]: one or more whole parts V̄ of each body."""
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
        """Y = G_D(A, G_E(A, X̄)), [F, N, D], from the visible joints alone (equation 1)."""
        return self.decoder(self.encoder(self.embedding(joints, visible)).relu())

    def loss(self, joints: Tensor, rebuilt: Tensor, counted: Tensor) -> Tensor:
        """Re-weighted cosine error (equation 2), mean over frames, joints in `counted` only.

        The target is learnt too; no gradient reaches it, or a constant embedding would win.
        """
        target = self.embedding.linear(joints).detach()
        error = 1 - torch.cosine_similarity(target, rebuilt, dim=-1).clamp(max=1)
        size = counted.sum(dim=-1, keepdim=True).clamp(min=1)
        error = error.pow(self.beta) / size if self.mean_loss else (error / size).pow(self.beta)
        frames = counted.any(dim=-1).sum().clamp(min=1)
        return torch.where(counted, error, 0.0).sum() / frames

    @torch.no_grad()
    def locate(self, rebuilt: Tensor) -> Tensor:
        """Where rebuilt joints are, [..., 2]: the point whose embedding has Y's direction.

        Solves s (W p + b) = y for s p and s by least squares: shows that the features keep angle
        and distance.
        """
        linear = self.embedding.linear
        basis = torch.cat([linear.weight, linear.bias[:, None]], dim=1)
        solution = torch.linalg.lstsq(basis, rebuilt.reshape(-1, len(basis)).T).solution.T
        return (solution[:, :2] / solution[:, 2:]).reshape(*rebuilt.shape[:-1], 2)

    def save(self, path: str | Path) -> None:
        """Write weights, hyper-parameters and the list of clips to a safetensors file."""
        header = {"hyperparameters": self.hyperparameters, "clips": self.clips}
        write_checkpoint(path, "skeleton_mae", self, header)

    @classmethod
    def load(cls, path: str | Path) -> "SkeletonMAE":
        """Read what `save` wrote, in eval mode.

        Raises:
            UserError: the file is missing, or no SkeletonMAE checkpoint.
        """
        tensors, header = read_checkpoint(path, "skeleton_mae")
        try:
            model = cls(**header["hyperparameters"])
            model.load_state_dict(tensors)
            model.clips = header["clips"]
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{path} does not fit this version of SkeletonMAE: {reason}") from error
        return model.eval()
