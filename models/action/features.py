"""Input features of STRL beyond plain coordinates.

The paper embeds coordinates only. STRL can add the features that these functions compute from them,
each embedded linearly. Shapes: R people, T steps, N joints. A feature is 0 where a joint that it
needs is absent or outside the window.
"""

import torch
from torch import Tensor

from models.sample import RATE
from models.skeleton import PARENTS, PARTS

TORSO = PARTS["torso"]


def position_and_velocity(joints: Tensor, visible: Tensor) -> Tensor:
    """Position relative to the torso, and velocity over 2 and over 8 steps (`geometry` in STRL).

    Args:
        joints: [R, T, 17, 2] in torso lengths.
        visible: bool [R, T, 17].

    Returns:
        [R, T, 17, 6]: three vectors, the velocities in torso lengths per second.
    """
    parts = [_relative_to_torso(joints, visible, joints, visible)]
    for reach in (1, 4):
        motion = torch.zeros_like(joints)
        both = visible[:, 2 * reach :] & visible[:, : -2 * reach]
        moved = joints[:, 2 * reach :] - joints[:, : -2 * reach]
        motion[:, reach:-reach] = torch.where(both[..., None], moved, 0) * (RATE / (2 * reach))
        parts.append(motion)
    return torch.cat(parts, dim=-1)


def bone_directions(joints: Tensor, visible: Tensor) -> Tensor:
    """Unit vector along the bone that ends in each joint (`bones` in STRL).

    Unlike coordinates, they do not depend on the proportions of the body.

    Args:
        joints: [R, T, 17, 2] in torso lengths.
        visible: bool [R, T, 17].

    Returns:
        [R, T, 17, 2]; shorter than 1 for bones shorter than a tenth of a torso length.
    """
    first, second = list(PARENTS[0]), list(PARENTS[1])
    seen = visible & visible[:, :, first] & visible[:, :, second]
    bone = joints - (joints[:, :, first] + joints[:, :, second]) / 2
    bone = torch.where(seen[..., None], bone, 0)
    return bone / bone.norm(dim=-1, keepdim=True).clamp(min=0.1)


def joint_distances(joints: Tensor, visible: Tensor) -> Tensor:
    """Distance of each joint from every other joint of the same person (`distances` in STRL).

    Unlike coordinates, they do not depend on how the body is rotated in the image.

    Args:
        joints: [R, T, N, 2] in torso lengths.
        visible: bool [R, T, N].

    Returns:
        [R, T, N, N] in torso lengths.
    """
    both = visible[:, :, :, None] & visible[:, :, None]
    return torch.where(both, (_squared_distances(joints, joints) + 1e-6).sqrt(), 0)


def partner_contact(
    joints: Tensor, visible: Tensor, partner: Tensor, partner_visible: Tensor
) -> Tensor:
    """Proximity of each joint to the partner, and position relative to them (`contact` in STRL).

    Args:
        joints: [R, T, 17, 2] in torso lengths.
        visible: bool [R, T, 17].
        partner: [R, T, 17, 2], the joints of each person's partner.
        partner_visible: bool [R, T, 17]; False throughout without a partner.

    Returns:
        [R, T, 17, 3]: exp(-d²), where d is the distance to the nearest joint of the partner, and
        half the offset from the partner's torso.
    """
    both = visible[..., None] & partner_visible[:, :, None]
    proximity = torch.where(both, (-_squared_distances(joints, partner)).exp(), 0)
    nearest = proximity.amax(dim=-1, keepdim=True)
    offset = _relative_to_torso(joints, visible, partner, partner_visible)
    return torch.cat([nearest, offset / 2], dim=-1)


def _relative_to_torso(joints: Tensor, visible: Tensor, other: Tensor, seen: Tensor) -> Tensor:
    """Joints relative to the centre of the torso of the same or another person, [R, T, 17, 2]."""
    torso, seen = other[:, :, TORSO], seen[:, :, TORSO, None]
    count = seen.sum(dim=2, keepdim=True)
    centre = torch.where(seen, torso, 0).sum(dim=2, keepdim=True) / count.clamp(min=1)
    return torch.where(visible[..., None] & (count > 0), joints - centre, 0)


def _squared_distances(joints: Tensor, others: Tensor) -> Tensor:
    """Squared distance of each joint [..., N, 2] from each of the others, [..., N, N]."""
    # One coordinate at a time: a last axis of size two takes four times as long.
    x, y = (joints[..., axis, None] - others[..., None, :, axis] for axis in (0, 1))
    return x.square() + y.square()
