import numpy as np
import pytest
import torch

from models.action.skeleton_mae import SkeletonMAE
from models.skeleton import PARTS


def frames(count=6):
    torch.manual_seed(0)
    joints = torch.randn(count, 17, 2)
    present = torch.rand(count, 17) > 0.1
    present[:, 1:5] = False
    return joints, present


def test_one_or_more_whole_parts_are_masked():
    torch.manual_seed(0)
    masked = SkeletonMAE(masked_parts=(1, 3)).draw_mask(500).numpy()
    counts = set()
    for frame in masked:
        parts = [name for name, joints in PARTS.items() if frame[list(joints)].all()]
        assert frame.sum() == sum(len(PARTS[name]) for name in parts)
        counts.add(len(parts))
    assert counts == {1, 2, 3}


def test_single_joints_can_be_masked_instead():
    torch.manual_seed(0)
    masked = SkeletonMAE(masked_parts=(1, 1), part_masking=False).draw_mask(500).numpy()
    assert set(masked.sum(axis=1)) == {2, 4, 5}
    torn = [frame for frame in masked if not any(frame[list(p)].all() for p in PARTS.values())]
    assert len(torn) > 100


def test_masked_and_absent_joints_do_not_reach_the_network():
    model = SkeletonMAE()
    joints, present = frames()
    visible = present & ~model.draw_mask(len(joints))
    changed = torch.where(visible[..., None], joints, torch.randn_like(joints))
    assert torch.equal(model.rebuild(joints, visible), model.rebuild(changed, visible))
    assert not torch.equal(model.rebuild(joints, visible), model.rebuild(joints + 0.1, visible))


def test_the_loss_follows_equation_2():
    joints, present = frames()
    for mean_loss in (False, True):
        model = SkeletonMAE(beta=2.0, mean_loss=mean_loss)
        counted = model.draw_mask(len(joints)) & present
        rebuilt = torch.randn(*joints.shape[:2], 64)
        weight, bias = (p.detach().numpy() for p in model.embedding.linear.parameters())
        losses = []
        for frame in range(len(joints)):
            size, total = int(counted[frame].sum()), 0.0
            for joint in np.flatnonzero(counted[frame].numpy()):
                x = weight @ joints[frame, joint].numpy() + bias
                z = rebuilt[frame, joint].numpy()
                product = x @ z / (np.linalg.norm(x) * np.linalg.norm(z))
                total += (1 - product) ** 2 / size if mean_loss else ((1 - product) / size) ** 2
            if size:
                losses.append(total)
        assert np.isclose(model.loss(joints, rebuilt, counted).item(), np.mean(losses), rtol=1e-4)


def test_no_gradient_reaches_the_target():
    model = SkeletonMAE()
    joints, present = frames()
    rebuilt = torch.randn(*joints.shape[:2], 64, requires_grad=True)
    model.loss(joints, rebuilt, present).backward()
    assert rebuilt.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in model.embedding.parameters())


def test_features_keep_angle_and_distance():
    joints, _ = frames()
    model = SkeletonMAE()
    found = model.locate(3.7 * model.embedding.linear(joints))
    assert torch.allclose(found, joints, atol=1e-4)


@pytest.mark.training
def test_training_finds_masked_joints():
    """After some steps on bodies at every angle, masked joints are found better than by guess."""
    torch.manual_seed(0)
    model = SkeletonMAE(
        width=32, hidden=32, depth=2, masked_parts=(1, 1), identity=True, mean_loss=True
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    shape = torch.randn(17, 2)

    def bodies(count):
        angle = 3 * torch.rand(count)
        turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1)
        return shape @ turn.view(-1, 2, 2)

    everything = torch.ones(64, 17, dtype=torch.bool)
    for _ in range(150):
        optimiser.zero_grad()
        model(bodies(64), everything).backward()
        optimiser.step()
    joints, masked = bodies(64), model.draw_mask(64)
    error = (model.locate(model.rebuild(joints, ~masked)) - joints)[masked].norm(dim=-1)
    assert error.median() < 0.5 * shape.norm(dim=-1).median()


def test_a_checkpoint_is_read_back(tmp_path):
    model = SkeletonMAE(depth=2, identity=True)
    model.clips = [["a/b", "0123"]]
    model.save(tmp_path / "mae.safetensors")
    loaded = SkeletonMAE.load(tmp_path / "mae.safetensors")
    assert loaded.clips == model.clips
    joints, present = frames()
    assert torch.equal(loaded.rebuild(joints, present), model.rebuild(joints, present))
