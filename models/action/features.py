"""Further inputs of STRL, computed from joint coordinates."""

import torch
from torch import Tensor

from models.sample import RATE
from models.skeleton import PARENTS, PARTS

TORSO = PARTS["torso"]


def geometry(joints: Tensor, visible: Tensor) -> Tensor:
    """Place relative to the torso, speed over 2 and over 8 steps, [R, T, 17, 6]; 0 if unknown."""
    parts = [_offset(joints, visible, joints, visible)]
    for reach in (1, 4):
        motion = torch.zeros_like(joints)
        both = visible[:, 2 * reach :] & visible[:, : -2 * reach]
        moved = joints[:, 2 * reach :] - joints[:, : -2 * reach]
        motion[:, reach:-reach] = torch.where(both[..., None], moved, 0) * (RATE / (2 * reach))
        parts.append(motion)
    return torch.cat(parts, dim=-1)


def _offset(joints: Tensor, visible: Tensor, other: Tensor, seen: Tensor) -> Tensor:
    """Joints relative to the middle of somebody's torso, [R, T, 17, 2]; 0 if unknown."""
    torso, seen = other[:, :, TORSO], seen[:, :, TORSO, None]
    count = seen.sum(dim=2, keepdim=True)
    centre = torch.where(seen, torso, 0).sum(dim=2, keepdim=True) / count.clamp(min=1)
    return torch.where(visible[..., None] & (count > 0), joints - centre, 0)


def directions(joints: Tensor, visible: Tensor) -> Tensor:
    """Unit vectors along the bone that ends in each joint, [R, T, 17, 2]; 0 if unknown."""
    first, second = list(PARENTS[0]), list(PARENTS[1])
    seen = visible & visible[:, :, first] & visible[:, :, second]
    bone = joints - (joints[:, :, first] + joints[:, :, second]) / 2
    bone = torch.where(seen[..., None], bone, 0)
    return bone / bone.norm(dim=-1, keepdim=True).clamp(min=0.1)


def distances(joints: Tensor, visible: Tensor) -> Tensor:
    """Distance of each joint from every other of the same body, [R, T, N, N]; 0 if unknown."""
    both = visible[:, :, :, None] & visible[:, :, None]
    return torch.where(both, (_squares(joints, joints) + 1e-6).sqrt(), 0)


def _squares(joints: Tensor, others: Tensor) -> Tensor:
    """Squared distance of each joint [..., N, 2] from each of the others, [..., N, N]."""
    # By coordinate, since a last axis of two takes four times as long.
    x, y = (joints[..., axis, None] - others[..., None, :, axis] for axis in (0, 1))
    return x.square() + y.square()


def contact(joints: Tensor, visible: Tensor, other: Tensor, seen: Tensor) -> Tensor:
    """Nearness of the partner's next joint, place relative to their torso, [R, T, 17, 3]."""
    both = visible[..., None] & seen[:, :, None]
    near = torch.where(both, (-_squares(joints, other)).exp(), 0).amax(dim=-1, keepdim=True)
    return torch.cat([near, _offset(joints, visible, other, seen) / 2], dim=-1)
