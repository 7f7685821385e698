import json
import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from models.action.backbone import Backbone
from models.action.checkpoint import build, read_checkpoint, write_checkpoint
from models.action.label import Label
from models.action.skeleton_mae import SkeletonMAE
from models.action.strl import STRL, load_network
from models.errors import UserError


@pytest.fixture(scope="module")
def strl():
    """Tensors and header of a small classifier."""
    model = STRL([Label("wave", 1), Label("hug", 2)], width=4, depth=1, strides=(1,), hidden=4)
    return model.state_dict(), {
        "kind": "strl",
        "hyperparameters": model.hyperparameters,
        "labels": [{"name": "wave", "people": 1}, {"name": "hug", "people": 2, "held": True}],
        "thresholds": {"1": 0.5, "2": 0.5},
        "temperature": 1.0,
        "clips": [["a/b", "0"]],
    }


def write(path, tensors, header):
    save_file(tensors, path, {key: json.dumps(value) for key, value in header.items()})
    return path


def changed(header, place, value):
    """A copy of a header with another value at a place such as "labels.0.name"."""
    copy = inner = json.loads(json.dumps(header))
    *steps, last = [int(step) if step.isdecimal() else step for step in place.split("/")]
    for step in steps:
        inner = inner[step]
    inner[last] = value
    return copy


def test_tensors_and_header_are_read_back(tmp_path, strl):
    path = write(tmp_path / "a.safetensors", *strl)
    tensors, header = read_checkpoint(path, "strl")
    assert header == strl[1]
    assert all(torch.equal(tensors[name], value) for name, value in strl[0].items())
    assert [label.held for label in STRL.load(path).labels] == [False, True]


def test_missing_folders_are_made(tmp_path):
    SkeletonMAE(width=4, hidden=4).save(tmp_path / "new" / "a.safetensors")
    assert SkeletonMAE.load(tmp_path / "new" / "a.safetensors").hyperparameters["width"] == 4


def test_other_kinds_and_other_files_are_refused(tmp_path, strl):
    path = write(tmp_path / "a.safetensors", *strl)
    with pytest.raises(UserError, match="not a skeleton_mae checkpoint"):
        read_checkpoint(path, "skeleton_mae")
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="not a strl checkpoint"):
        read_checkpoint(path, "strl")
    save_file({"a": torch.zeros(1)}, path, {"kind": json.dumps("strl")[:-1]})
    with pytest.raises(UserError, match="cannot read"):
        read_checkpoint(path, "strl")
    os.mkfifo(tmp_path / "pipe")
    for other, reason in (
        ("pipe", "a device or a pipe"),
        ("none", "No such file"),
        (".", "folder"),
    ):
        with pytest.raises(UserError, match=reason):
            read_checkpoint(tmp_path / other, "strl")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("hyperparameters/depth", 10**9),
        ("hyperparameters/width", -1),
        ("hyperparameters/width", 4.0),
        ("hyperparameters/width", True),
        ("hyperparameters/hidden", 10**12),
        ("hyperparameters/strides", [1] * 1000),
        ("hyperparameters/scales", []),
        ("hyperparameters/dropout", "0.5"),
        ("hyperparameters/surprise", 1),
        ("labels", []),
        ("labels/0/name", 7),
        ("labels/0/name", ""),
        ("labels/0/people", 3),
        ("labels/0/held", "yes"),
        ("thresholds/1", "0.5"),
        ("thresholds/1", float("nan")),
        ("thresholds/3", 0.5),
        ("temperature", 0),
        ("temperature", float("inf")),
        ("clips", [["a/b"]]),
        ("clips", 3),
        ("surprise", 1),
    ],
)
def test_a_header_with_an_impossible_value_is_refused_in_one_line(tmp_path, strl, place, value):
    path = write(tmp_path / "a.safetensors", strl[0], changed(strl[1], place, value))
    with pytest.raises(UserError, match="cannot read the checkpoint") as refused:
        STRL.load(path)
    assert place.split("/")[0] in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("hyperparameters/width", 10**9),
        ("hyperparameters/stem_stride", 0),
        ("hyperparameters/strides", [1] * 1000),
        ("hyperparameters/hidden", 4),
        ("hyperparameters/width", 8),
        ("clips", [["a/b"]]),
        ("labels", []),
    ],
)
def test_a_backbone_with_an_impossible_header_is_refused_in_one_line(tmp_path, place, value):
    backbone = Backbone(width=4, depth=1, strides=(1,))
    header = {"kind": "strl_backbone", "hyperparameters": backbone.hyperparameters, "clips": []}
    path = tmp_path / "a.safetensors"
    write(path, backbone.state_dict(), header)
    assert isinstance(load_network(path), Backbone)
    write(path, backbone.state_dict(), changed(header, place, value))
    with pytest.raises(UserError, match=r"cannot read the checkpoint|does not fit") as refused:
        load_network(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", ["resnet", 7, ["strl"], None])
def test_a_checkpoint_of_an_unknown_kind_is_refused(tmp_path, kind):
    path = write(tmp_path / "a.safetensors", {"a": torch.zeros(1)}, {"kind": kind})
    with pytest.raises(UserError, match="is not a checkpoint of skeleton_mae or"):
        load_network(path)


def test_a_header_that_is_nested_too_deeply_is_refused(tmp_path, strl):
    path = tmp_path / "a.safetensors"
    save_file(strl[0], path, {"kind": '"strl"', "clips": "[" * 100_000 + "]" * 100_000})
    with pytest.raises(UserError, match="cannot read"):
        STRL.load(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, strl, value):
    tensors = {**strl[0], "position": torch.full_like(strl[0]["position"], value)}
    with pytest.raises(UserError, match="position is not finite"):
        STRL.load(write(tmp_path / "a.safetensors", tensors, strl[1]))


@pytest.mark.parametrize("place", ["width", "hidden", "depth"])
def test_a_network_of_another_size_than_its_tensors_is_not_built(tmp_path, strl, place):
    header = changed(strl[1], f"hyperparameters/{place}", 32)
    with pytest.raises(UserError, match="does not fit this version"):
        STRL.load(write(tmp_path / "a.safetensors", strl[0], header))


def test_no_memory_is_taken_for_a_network_that_does_not_fit():
    def make():
        assert torch.empty(0).device.type == "meta"
        return nn.Linear(10**9, 10**9)

    with pytest.raises(UserError, match="bias is none, not"):
        build("a", {}, make)


def test_names_of_labels_command_no_terminal(tmp_path, strl):
    header = changed(strl[1], "labels/0/name", "\x1b[2Jwave\n")
    model = STRL.load(write(tmp_path / "a.safetensors", strl[0], header))
    assert model.labels[0].name == r"\x1b[2Jwave\n"


def test_a_path_that_cannot_be_written_raises_a_user_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_checkpoint(tmp_path / "file" / "a.safetensors", "linear", nn.Linear(1, 1), {})
