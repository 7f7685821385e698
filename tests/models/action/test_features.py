import numpy as np
import pytest
import torch

from models.action.features import contact, directions, distances
from tests.models.action.inputs import windows


def test_distances_are_the_same_from_wherever_one_looks():
    (window, present), angle = windows(), 0.7
    turn = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    seen = distances(window[0], present[0])
    assert torch.allclose(seen, distances(window[0] @ turn.float() + 3, present[0]), atol=1e-2)
    apart = (window[0, 1, 5, 9] - window[0, 1, 5, 12]).norm()
    both = present[0, 1, 5, 9] and present[0, 1, 5, 12]
    assert seen[1, 5, 9, 12] == pytest.approx(float(apart * both), abs=1e-2)
    assert not seen[~present[0]].any()


def test_bones_say_where_they_point_and_not_how_long_they_are():
    window, present = windows()
    shorter = window.clone()
    shorter[:, :, :, 9] = window[:, :, :, 7] + 0.5 * (window[:, :, :, 9] - window[:, :, :, 7])
    before, after = (directions(w.flatten(0, 1), present.flatten(0, 1)) for w in (window, shorter))
    known = (before.norm(dim=-1) > 0.99) & (after.norm(dim=-1) > 0.99)
    assert known[:, :, 9].any()
    assert torch.allclose(before[known], after[known], atol=1e-4)
    assert (before[~present.flatten(0, 1)] == 0).all()


def test_contact_is_a_touch_by_the_other_and_nothing_without_one():
    joints = torch.zeros(2, 1, 17, 2)
    joints[0, 0, :, 0] = torch.arange(17)
    joints[1, 0, :, 0] = 16 + torch.arange(17)  # joint 16 of one is joint 0 of the other
    seen = torch.ones(2, 1, 17, dtype=torch.bool)
    near = contact(joints, seen, joints.flip(0), seen)
    assert near[0, 0, 16, 0] == near[1, 0, 0, 0] == 1
    assert near[0, 0, 14, 0] == pytest.approx(np.exp(-4))
    assert near[0, 0, 0, 1] == pytest.approx((0 - (16 + 8.5)) / 2)
    alone = contact(joints, seen, torch.zeros_like(joints), torch.zeros_like(seen))
    assert (alone == 0).all()
