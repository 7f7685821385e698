"""How well a SkeletonMAE puts masked joints back: whether its features keep angle and distance."""

from collections.abc import Sequence

import numpy as np
import torch

from models.action.skeleton_mae import SkeletonMAE
from models.data.pyskl import Clip
from models.data.windows import clip_windows


@torch.no_grad()
def rebuilding(network: SkeletonMAE, clips: Sequence[Clip], seed: int = 0) -> dict[str, float]:
    """Mask parts of every frame, rebuild their joints, and compare with where they were.

    Args:
        network: in eval mode.
        clips: what to try it on, stretched over 64 frames each.
        seed: of the masks.

    Returns:
        Medians over masked joints that are present: of the distance between rebuilt and true joint
        and, to compare, between the middle of the visible joints and the true one (torso lengths);
        of the angle between their directions from the origin (degrees); and the correlation of
        their distances from it.
    """
    window, present = (
        torch.from_numpy(np.stack(part)) for part in zip(*clip_windows(list(clips)), strict=True)
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
