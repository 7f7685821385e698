"""Reconstruction by SkeletonMAE: do its features keep the angle and distance of masked joints?"""

from collections.abc import Sequence

import numpy as np
import torch

from models.action.skeleton_mae import SkeletonMAE
from models.data.pyskl import Clip
from models.data.windows import clip_windows
from models.errors import UserError


@torch.no_grad()
def reconstruction_error(
    network: SkeletonMAE, clips: Sequence[Clip], seed: int = 0
) -> dict[str, float]:
    """Mask parts of every frame, reconstruct their joints, and compare them with the true ones.

    Args:
        network: the network, in eval mode.
        clips: clips to try it on, each stretched over 64 frames.
        seed: seed of the masks.

    Returns:
        The number of masked joints that are present, and of these: the median distance between
        reconstructed and true joint; for comparison, that between the mean of the visible joints
        and the true one (both in torso lengths); the median angle between reconstructed and true
        joint as seen from the origin (degrees); and the correlation of their distances from the
        origin.

    Raises:
        UserError: there are no clips.
    """
    if not clips:
        raise UserError("there are no clips to reconstruct")
    window, present = (
        torch.from_numpy(np.stack(part)) for part in zip(*clip_windows(clips), strict=True)
    )
    frames = present.any(dim=-1)
    joints, present = window[frames][:, network.joints], present[frames][:, network.joints]
    torch.manual_seed(seed)
    masked = network.draw_mask(len(joints))
    visible, hidden = present & ~masked, present & masked
    hidden &= visible.any(dim=1, keepdim=True)
    found = network.locate(network.rebuild(joints, visible)[hidden])
    true = joints[hidden]
    centre = torch.where(visible[..., None], joints, 0).sum(dim=1)
    centre = centre / visible.sum(dim=1).clamp(min=1)[:, None]
    guess = centre[:, None].expand_as(joints)[hidden]
    cosine = torch.cosine_similarity(found, true, dim=1).clamp(-1, 1)
    lengths = torch.stack([found.norm(dim=1), true.norm(dim=1)])
    return {
        "masked joints": len(true),
        "error, torso lengths": float((found - true).norm(dim=1).median()),
        "error of the visible joints' middle": float((guess - true).norm(dim=1).median()),
        "error of the angle, degrees": float(cosine.acos().rad2deg().median()),
        "correlation of the distances": float(torch.corrcoef(lengths)[0, 1]),
    }
