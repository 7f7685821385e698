import pytest
import torch

from models.action.backbone import Backbone
from models.action.label import Label
from models.action.motion_mae import MotionMAE
from models.action.strl import STRL
from models.errors import UserError
from models.skeleton import PARTS
from tests.models.action.inputs import windows

FULL = {
    **{"width": 16, "depth": 2, "stem_stride": 2, "strides": (1, 2), "face": False},
    **dict.fromkeys(("identity", "exchange", "temporal"), True),
    **dict.fromkeys(("geometry", "bones", "distances", "contact", "by_parts"), True),
}
PAPER = {"width": 16, "depth": 1, "strides": (1, 1)}
ALL = ("position", "step", "motion")


def make(backbone=FULL, **settings):
    torch.manual_seed(0)
    return MotionMAE(backbone, **settings).eval()


def pair():
    """A pair [2, 64, 17, 2] all of whose joints are present, and each one's partner."""
    torch.manual_seed(2)
    return torch.randn(2, 64, 17, 2), torch.ones(2, 64, 17, dtype=torch.bool), torch.tensor([1, 0])


@pytest.mark.parametrize("backbone", [FULL, PAPER])
def test_nothing_masked_reaches_a_prediction(backbone):
    model, (joints, present, partner) = make(backbone, targets=ALL), pair()
    masked = model.draw_mask(2)
    joints.requires_grad_()
    predicted = model.predict(joints, present & ~masked, partner)
    (seen,) = torch.autograd.grad(predicted.square().sum(), joints)
    assert predicted.shape == (2, 64, len(model.backbone.joints), 6)
    assert (seen[masked] == 0).all()
    used = ~masked[:, 1:-1:2][..., model.backbone.joints]  # with a stem stride every second step
    assert (seen[:, 1:-1:2][:, :, model.backbone.joints][used] != 0).any(
        dim=-1
    ).float().mean() > 0.9
    junk = torch.where(masked[..., None], 1e3 * torch.randn_like(joints), joints)
    assert torch.equal(predicted, model.predict(junk, present & ~masked, partner))


def test_the_loss_depends_on_masked_joints_alone_as_targets():
    model, (joints, present, partner) = make(), pair()
    target, known = model.target(joints, present)
    predicted = model.predict(joints, present, partner).requires_grad_()
    counted = known & model.draw_mask(2)[:, :, model.backbone.joints]
    (gradient,) = torch.autograd.grad(model.loss(predicted, target, counted), predicted)
    assert (gradient[~counted] == 0).all()
    assert (gradient[counted] != 0).all()


def test_whole_parts_are_masked_over_spans_that_begin_anywhere():
    model = make(share=0.5, span=16)
    masked = model.draw_mask(200)
    for joints in PARTS.values():
        assert (masked[:, :, list(joints)] == masked[:, :, [joints[0]]]).all()
    change = masked[:, 1:] != masked[:, :-1]
    for person in change[:20].any(dim=2):
        steps = person.nonzero()[:, 0]
        assert (steps % 16 == steps[0] % 16).all()
    assert change.any(dim=(0, 2)).all()
    assert masked.float().mean().item() == pytest.approx(0.5, abs=0.03)


def test_the_target_is_the_velocity_over_eight_steps_at_unit_size():
    model = make(targets=("motion",), floor=1e-3)
    still = torch.zeros(1, 64, 17, 2)
    present = torch.ones(1, 64, 17, dtype=torch.bool)
    still[0, :, 9, 0] = 0.1 * torch.arange(64)  # a wrist that moves evenly to the right
    still[0, :, 10, 1] = 0.2 * torch.arange(64)
    present[0, 30, 9] = False
    target, known = model.target(still, present)
    left, right = model.backbone.joints.index(9), model.backbone.joints.index(10)
    steps = known[0, :, left].nonzero()[:, 0].tolist()
    assert steps == [step for step in range(4, 60) if step not in (26, 30, 34)]
    assert torch.allclose(target[0, steps, left], torch.tensor([1.0, 0.0]), atol=1e-4)
    assert torch.allclose(target[0, 4:60, right], torch.tensor([0.0, 1.0]), atol=1e-4)
    model.by_joint = False
    target, _ = model.target(still, present)
    assert target[0, 10, right, 1] == pytest.approx(2 * target[0, 10, left, 0].item(), rel=1e-4)


def test_still_joints_are_not_scaled_up():
    model, (joints, present, _) = make(), pair()
    target, _ = model.target(1e-4 * joints, present)
    assert target.abs().max() < 0.1


def test_each_prediction_is_of_its_own_steps():
    model, (joints, present, partner) = make(PAPER | {"strides": (1,)}), pair()
    assert model.group == 1
    before = model.predict(joints, present, partner)
    joints[0, 40] += 1
    changed = (model.predict(joints, present, partner) != before).any(dim=(0, 2, 3))
    assert changed.nonzero()[:, 0].tolist() == [40]  # without temporal modules


@pytest.mark.parametrize("beta", [0.0, 2.0])
def test_a_perfect_prediction_has_no_error_and_a_worse_one_more(beta):
    model, (joints, present, _) = make(beta=beta), pair()
    target, known = model.target(joints, present)
    noise = torch.randn_like(target)
    errors = [model.loss(target + size * noise, target, known).item() for size in (0, 0.3, 1)]
    assert errors[0] == pytest.approx(0, abs=1e-5)
    assert errors[0] < errors[1] < errors[2]
    if beta:
        assert model.loss(3 * target, target, known).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.training
@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_it_learns_to_predict_a_swing(beta):
    torch.manual_seed(0)
    small = {"depth": 1, "stem_stride": 4, "strides": (1,)}
    model = MotionMAE(FULL | small, beta=beta).train()
    phase = torch.rand(8, 1, 1, 1) * 6
    swing = torch.sin(torch.arange(64)[None, :, None, None] / 6 + phase)
    window = torch.zeros(8, 2, 64, 17, 2)
    window[:, 0] = torch.randn(17, 2) + swing * torch.randn(17, 2)  # all joints swing together
    present = torch.zeros(8, 2, 64, 17, dtype=torch.bool)
    present[:, 0] = True
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-2)
    losses = []
    for _ in range(40):
        loss = model(window, present)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.75 * sum(losses[:5])


def test_absent_people_and_joints_do_not_matter():
    model, (window, present) = make(), windows()
    torch.manual_seed(3)
    loss = model(window, present)
    junk = torch.where(present[..., None], window, 1e3 * torch.randn_like(window))
    torch.manual_seed(3)
    assert torch.isfinite(loss)
    assert torch.equal(loss, model(junk, present))


def test_unknown_targets_are_refused():
    with pytest.raises(UserError, match="unknown targets: speed"):
        make(targets=("speed",))


@pytest.mark.parametrize("backbone", [FULL, PAPER])
def test_all_of_a_classifier_but_its_head_is_the_backbone(backbone):
    torch.manual_seed(5)
    classifier, pretrained = STRL([Label("wave", 1)], **backbone).eval(), make(backbone).backbone
    fresh = {name: value.clone() for name, value in classifier.classifier.state_dict().items()}
    classifier.continue_from(pretrained)
    own = classifier.state_dict()
    assert all(torch.equal(own[name], value) for name, value in pretrained.state_dict().items())
    assert set(own) - set(pretrained.state_dict()) == {f"classifier.{name}" for name in fresh}
    assert all(torch.equal(own[f"classifier.{name}"], value) for name, value in fresh.items())
    assert torch.equal(classifier.features(*windows()), pretrained.features(*windows()))


@pytest.mark.parametrize(
    "other", [{"width": 8}, {"depth": 3}, {"stem_stride": 4}, {"bones": False}]
)
def test_a_backbone_of_another_shape_is_refused(other):
    with pytest.raises(UserError, match="differs from the config") as refused:
        STRL([Label("wave", 1)], **FULL).continue_from(Backbone(**FULL | other))
    assert "\n" not in str(refused.value)


def test_a_checkpoint_is_read_back(tmp_path):
    backbone, (window, present) = make().backbone, windows()
    backbone.clips = [["a/b", "12"]]
    backbone.save(tmp_path / "backbone.safetensors")
    loaded = Backbone.load(tmp_path / "backbone.safetensors")
    assert (type(loaded), loaded.clips, loaded.training) == (Backbone, [["a/b", "12"]], False)
    assert loaded.hyperparameters == backbone.hyperparameters
    assert torch.equal(loaded.features(window, present), backbone.features(window, present))
    with pytest.raises(UserError, match="not a strl checkpoint"):
        STRL.load(tmp_path / "backbone.safetensors")
