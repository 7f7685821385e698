import numpy as np
import pytest
import torch

from models.action.features import (
    bone_directions,
    joint_distances,
    partner_contact,
    position_and_velocity,
)
from models.sample import RATE
from tests.models.action.inputs import windows


def test_position_is_relative_to_the_torso_and_velocity_per_second():
    joints = torch.zeros(1, 64, 17, 2)
    joints[..., 0] = torch.arange(64.0)[:, None]  # moves to the right by 1 a step
    joints[..., 9, 1] = 3
    visible = torch.ones(1, 64, 17, dtype=torch.bool)
    visible[0, 20, 9] = False
    found = position_and_velocity(joints, visible)[0]
    assert torch.allclose(found[30, 9], torch.tensor([0, 3, RATE, 0, RATE, 0]))
    assert not found[20, 9, :2].any() and not found[[19, 21], 9, 2:4].any()
    assert not found[[0, 63]][..., 2:].any(), "no frames before the first or after the last"


def test_distances_do_not_change_with_rotation_and_translation():
    (window, present), angle = windows(), 0.7
    turn = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    seen = joint_distances(window[0], present[0])
    assert torch.allclose(
        seen, joint_distances(window[0] @ turn.float() + 3, present[0]), atol=1e-2
    )
    apart = (window[0, 1, 5, 9] - window[0, 1, 5, 12]).norm()
    both = present[0, 1, 5, 9] and present[0, 1, 5, 12]
    assert seen[1, 5, 9, 12] == pytest.approx(float(apart * both), abs=1e-2)
    assert not seen[~present[0]].any()


def test_bone_directions_do_not_depend_on_bone_lengths():
    window, present = windows()
    shorter = window.clone()
    shorter[:, :, :, 9] = window[:, :, :, 7] + 0.5 * (window[:, :, :, 9] - window[:, :, :, 7])
    before, after = (
        bone_directions(w.flatten(0, 1), present.flatten(0, 1)) for w in (window, shorter)
    )
    known = (before.norm(dim=-1) > 0.99) & (after.norm(dim=-1) > 0.99)
    assert known[:, :, 9].any()
    assert torch.allclose(before[known], after[known], atol=1e-4)
    assert (before[~present.flatten(0, 1)] == 0).all()


def test_contact_is_zero_without_a_partner():
    joints = torch.zeros(2, 1, 17, 2)
    joints[0, 0, :, 0] = torch.arange(17)
    joints[1, 0, :, 0] = 16 + torch.arange(17)  # joint 16 of one is joint 0 of the other
    seen = torch.ones(2, 1, 17, dtype=torch.bool)
    near = partner_contact(joints, seen, joints.flip(0), seen)
    assert near[0, 0, 16, 0] == near[1, 0, 0, 0] == 1
    assert near[0, 0, 14, 0] == pytest.approx(np.exp(-4))
    assert near[0, 0, 0, 1] == pytest.approx((0 - (16 + 8.5)) / 2)
    alone = partner_contact(joints, seen, torch.zeros_like(joints), torch.zeros_like(seen))
    assert (alone == 0).all()
