import pytest
import torch

from models.action.backbone import Backbone
from models.action.label import Label
from models.action.skeleton_mae import SkeletonMAE
from models.action.strl import STRL
from models.data.pyskl import load_split
from models.errors import UserError
from models.training.evaluation import evaluate
from models.training.probe import PROBES, Neighbours, linear_probe
from tests.skeletons import dataset


@pytest.mark.parametrize("make", PROBES.values(), ids=PROBES)
@pytest.mark.parametrize("face", [True, False])
@pytest.mark.parametrize("kind", [SkeletonMAE, Backbone, STRL])
def test_a_probe_separates_simple_actions(tmp_path, kind, face, make):
    path = dataset(tmp_path / "a.pkl", clips=24, layout="msr20")
    train, test = (load_split([path], [split]) for split in ("train", "test"))
    torch.manual_seed(0)
    options = {"width": 16, "depth": 1, "identity": True, "face": face}
    if kind is STRL:
        model = STRL([Label("other", 0)], strides=(1,), by_parts=True, **options)
    elif kind is Backbone:
        model = Backbone(strides=(1,), by_parts=True, **options)
    else:
        model = SkeletonMAE(hidden=16, **options)
    model.clips = [[test[0].name, "0"]]
    model.save(tmp_path / "frozen.safetensors")
    probe = make(tmp_path / "frozen.safetensors", train, "clip")
    figures = evaluate(probe, test, "clip").figures
    assert [label.name for label in probe.labels] == ["squat", "wave"]
    assert figures["top-1"] >= 0.75
    assert figures["NOT HELD OUT: clips seen in training"] == 1
    frozen = dict(model.state_dict())
    assert all(torch.equal(v, frozen[k]) for k, v in probe.backbone.state_dict().items())


def test_another_file_is_refused(tmp_path):
    path = dataset(tmp_path / "a.pkl")
    with pytest.raises(UserError, match="cannot read the checkpoint"):
        linear_probe(path, load_split([path], ["train"]), "clip")


def test_the_most_similar_clip_gives_the_label():
    features = torch.tensor([[1.0, 0.0], [0.0, 5.0], [-1.0, 0.2]])
    near = Neighbours(features, torch.tensor([0, 1, 1]))
    asked = torch.tensor([[9.0, 1.0], [-3.0, 0.0], [0.1, 0.2]])
    assert near(asked).argmax(dim=1).tolist() == [0, 1, 1]
    assert near(asked)[1, 1].item() == pytest.approx(1 / (1 + 0.2**2) ** 0.5)
