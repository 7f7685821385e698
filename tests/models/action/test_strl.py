import numpy as np
import pytest
import torch

from models.action.gin import GINEncoder
from models.action.label import Label
from models.action.layers import SpatialModule
from models.action.skeleton_mae import SkeletonMAE
from models.action.strl import STRL
from models.errors import UserError
from tests.models.action.inputs import windows

LABELS = [Label("wave", 1), Label("hug", 2, held=True), Label("walk", 1)]
LIVE = {
    "width": 16,
    "depth": 2,
    "stem_stride": 2,
    "strides": (1, 2),
    "identity": True,
    "exchange": True,
    "temporal": True,
    "geometry": True,
    "bones": True,
    "distances": True,
    "contact": True,
    "by_parts": True,
    "face": False,
    "by_people": True,
}
PAPER = {"width": 16, "depth": 1, "strides": (1, 1)}


def make(**settings):
    torch.manual_seed(0)
    return STRL(LABELS, **settings).eval()


def test_the_spatial_module_follows_equation_3():
    torch.manual_seed(0)
    module = SpatialModule(GINEncoder(8, 8, 2), 8, exchange=False)
    x = torch.randn(3, 5, 17, 8)
    encoded = module.encoder(x).detach().numpy()
    weights = {name: value.detach().numpy() for name, value in module.state_dict().items()}
    kernel = np.concatenate([weights["join_joints.weight"], weights["join_body.weight"]], axis=1)
    for person in range(3):
        for step in range(5):
            pooled = encoded[person, step].sum(axis=0)
            repeated = np.tile(pooled, (17, 1))
            joined = np.concatenate([x[person, step].numpy(), repeated], axis=1)
            expected = joined @ kernel.T + weights["join_joints.bias"]
            found = module(x, torch.full((3,), 3))[person, step].detach().numpy()
            assert np.allclose(found, expected, atol=1e-4)


def test_the_spatial_module_can_use_a_sum():
    torch.manual_seed(0)
    module = SpatialModule(GINEncoder(8, 8, 2), 8, exchange=False, concatenate=False)
    x = torch.randn(3, 5, 17, 8)
    expected = x.numpy() + module.encoder(x).detach().numpy().sum(axis=2, keepdims=True)
    assert np.allclose(module(x, torch.full((3,), 3)).detach().numpy(), expected, atol=1e-5)


def test_a_layer_follows_equation_4():
    layer = make(**PAPER).layers[0]
    x = torch.randn(2, 4, 17, 16)
    alone = torch.tensor([2, 2])
    product = layer.spatial(x, alone).detach().numpy() @ layer.weight.weight.detach().numpy().T
    assert np.allclose(layer.norm.weight.detach(), 1)  # batch norm as it starts: y / sqrt(1 + ε)
    expected = np.maximum(product / np.sqrt(1 + layer.norm.eps), 0)
    assert np.allclose(layer(x, alone).detach().numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("settings", [LIVE, PAPER, PAPER | {"concatenate": False}])
def test_merged_layers_give_the_same(settings):
    model = make(**settings)
    for layer in model.layers:  # as training leaves it
        for value in (layer.norm.running_mean, layer.norm.running_var, layer.norm.bias):
            torch.nn.init.uniform_(value, 0.5, 2)
    window, present = windows(4)
    before = model(window, present)
    for layer in model.layers:
        layer.merge()
    merged = [isinstance(layer.norm, torch.nn.Identity) for layer in model.layers]
    assert merged == [settings.get("concatenate", True)] * len(model.layers)
    assert torch.allclose(model(window, present), before, atol=1e-4)


def test_only_the_exchange_depends_on_the_partner():
    torch.manual_seed(0)
    module = SpatialModule(GINEncoder(8, 8, 1), 8, exchange=True)
    x = torch.randn(2, 5, 17, 8)
    together, apart = module(x, torch.tensor([1, 0])), module(x, torch.tensor([2, 2]))
    other = module.join_partner(module.encoder(x).sum(dim=2)).flip(0)
    assert torch.allclose(together, apart + other[:, :, None], atol=1e-5)


@pytest.mark.parametrize("settings", [LIVE, PAPER])
def test_logits_do_not_depend_on_the_order_of_the_people(settings):
    model, (window, present) = make(**settings), windows()
    swapped = model(window.flip(1), present.flip(1))
    assert torch.allclose(model(window, present), swapped, atol=1e-4)


@pytest.mark.parametrize("settings", [LIVE, PAPER])
def test_logits_do_not_depend_on_absent_joints_or_on_the_rest_of_the_batch(settings):
    model, (window, present) = make(**settings), windows()
    junk = torch.where(present[..., None], window, 1e3 * torch.randn_like(window))
    logits = model(window, present)
    assert torch.allclose(logits, model(junk, present), atol=1e-4)
    assert torch.allclose(logits[:1], model(window[:1], present[:1]), atol=1e-4)


def test_logits_depend_on_presence():
    model, (window, present) = make(**LIVE), windows()
    fewer = present.clone()
    fewer[:, :, :, 9] = False
    assert not torch.allclose(model(window, present), model(window, fewer), atol=1e-3)


def test_labels_are_given_only_to_as_many_people_as_they_take():
    model, (window, present) = make(**LIVE), windows()
    possible = model(window, present).isfinite()
    assert possible[0].tolist() == [True, False, True, True]
    assert possible[1].tolist() == [False, True, False, True]
    probability = model.probabilities(model(window, present))
    assert torch.allclose(probability.sum(dim=1), torch.ones(4))
    assert probability[0, 1] == 0


def test_an_empty_window_is_none_of_these():
    model, (window, present) = make(**LIVE), windows()
    probability = model.probabilities(model(window, torch.zeros_like(present)))
    assert torch.equal(probability[:, -1], torch.ones(4))


def test_logits_depend_on_the_order_of_steps():
    model, (window, present) = make(**PAPER), windows()
    present[:] = True
    assert not torch.allclose(model(window, present), model(window.flip(2), present), atol=1e-4)


def test_every_pretrained_tensor_is_copied():
    pretrained = SkeletonMAE(width=16, hidden=16, depth=2, identity=True, face=False)
    model = make(**LIVE)
    names = model.load_pretrained(pretrained)
    state = model.state_dict()
    for name, value in pretrained.embedding.state_dict().items():
        assert torch.equal(state[f"embedding.{name}"], value)
    for name, value in pretrained.encoder.state_dict().items():
        for layer in range(2):
            assert torch.equal(state[f"layers.{layer}.spatial.encoder.{name}"], value)
    assert len(names) == len(pretrained.embedding.state_dict()) + 2 * len(
        pretrained.encoder.state_dict()
    )


@pytest.mark.parametrize(
    "other", [{"depth": 3}, {"identity": False}, {"face": True}, {"width": 8, "hidden": 8}]
)
def test_a_pretrained_network_of_another_shape_is_refused(other):
    pretrained = {"width": 16, "hidden": 16, "depth": 2, "identity": True, "face": False, **other}
    with pytest.raises(UserError, match="differs"):
        make(**LIVE).load_pretrained(SkeletonMAE(**pretrained))


def test_a_checkpoint_is_read_back(tmp_path):
    model, (window, present) = make(**LIVE), windows()
    model.thresholds, model.temperature, model.clips = {1: 0.7, 2: 0.4}, 1.5, [["a/b", "12"]]
    model.save(tmp_path / "strl.safetensors")
    loaded = STRL.load(tmp_path / "strl.safetensors")
    assert loaded.labels == LABELS
    assert (loaded.thresholds, loaded.temperature) == ({1: 0.7, 2: 0.4}, 1.5)
    assert loaded.clips == [["a/b", "12"]]
    assert not loaded.training
    assert torch.equal(loaded(window, present), model(window, present))


def test_other_files_are_refused(tmp_path):
    model = make(**LIVE)
    model.hyperparameters["width"] = 32
    model.save(tmp_path / "misfit.safetensors")
    with pytest.raises(UserError, match="does not fit"):
        STRL.load(tmp_path / "misfit.safetensors")
    SkeletonMAE().save(tmp_path / "mae.safetensors")
    (tmp_path / "junk.safetensors").write_bytes(b"\x00" * 100)
    for name in ("mae", "junk", "missing"):
        with pytest.raises(UserError, match=name):
            STRL.load(tmp_path / f"{name}.safetensors")


@pytest.mark.parametrize("same", [True, False])
def test_a_classifier_continues_from_another(same):
    first, (window, present) = make(**LIVE), windows()
    torch.manual_seed(5)
    second = STRL(LABELS if same else [Label("swim", 1)], **LIVE).eval()
    second.continue_from(first)
    assert torch.equal(second.features(window, present), first.features(window, present))
    assert torch.equal(second.classifier[2].weight, first.classifier[2].weight)
    if same:
        assert torch.equal(second(window, present), first(window, present))
    with pytest.raises(UserError, match="differs from the config"):
        make(**PAPER).continue_from(first)
