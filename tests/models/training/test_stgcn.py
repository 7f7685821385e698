"""The network itself is MMAction2's: here it has a stand-in, or is skipped where there is none."""

import sys

import pytest
import torch

from models.action.label import Label
from models.errors import UserError
from models.training.evaluation import decide
from models.training.stgcn import STGCNPlusPlus, load_backbone

BROKEN = "import a_package_that_the_wheel_lacks\n"
NETWORK = """
import torch

class STGCN(torch.nn.Module):
    def __init__(self, graph_cfg, gcn_adaptive, gcn_with_res, tcn_type):
        super().__init__()
        assert graph_cfg == dict(layout="coco", mode="spatial")
        assert (gcn_adaptive, gcn_with_res, tcn_type) == ("init", True, "mstcn")
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, x):
        self.seen = x  # [B, M, T, V, 3] to [B, M, 256, T / 4, V]
        return self.scale * x[:, :, ::4].mean(dim=4).unsqueeze(2).expand(-1, -1, 256, -1, -1)
"""
LABELS = [Label("walk", 0), Label("wave", 0), Label("hug", 0)]


def forget():
    for name in [name for name in sys.modules if name.split(".")[0] == "mmaction"]:
        del sys.modules[name]


@pytest.fixture
def mmaction(tmp_path, monkeypatch):
    """A package like MMAction2, whose network can be imported only past its packages."""
    forget()
    folder = tmp_path / "site" / "mmaction" / "models" / "backbones"
    folder.mkdir(parents=True)
    (folder.parents[1] / "__init__.py").touch()
    for package in (folder.parent, folder):
        (package / "__init__.py").write_text(BROKEN)
    (folder / "stgcn.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield
    forget()


def windows(people):
    window = torch.randn(4, 2, 64, 17, 2)
    present = torch.rand(4, 2, 64, 17) > 0.2
    present[:, people:] = False
    return window * present[..., None], present


def test_the_network_sees_coordinates_and_presence_of_its_people(mmaction):
    window, present = windows(2)
    for people in (1, 2):
        network = STGCNPlusPlus(LABELS, people).eval()
        logits = network(window, present)
        seen = network.backbone.seen
        assert torch.equal(seen[..., :2], window[:, :people])
        assert torch.equal(seen[..., 2] > 0, present[:, :people])
        assert logits.shape == (4, 4)
        assert (logits[:, -1] == -torch.inf).all()
        assert logits[:, :-1].isfinite().all()


def test_people_are_averaged_with_absent_ones_as_zeros(mmaction):
    window, present = windows(1)
    pair, alone = STGCNPlusPlus(LABELS, 2), STGCNPlusPlus(LABELS, 1)
    alone.load_state_dict(pair.state_dict())
    assert torch.allclose(2 * pair(window, present)[:, :-1], alone(window, present)[:, :-1])


def test_evaluation_can_use_it(mmaction):
    network = STGCNPlusPlus(LABELS)
    logits = torch.tensor([[9.0, 0, 0, -torch.inf], [0.1, 0, 0, -torch.inf]])
    assert torch.allclose(network.probabilities(logits).sum(dim=1), torch.ones(2))
    assert decide(network, logits).tolist() == [0, -1]


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mmaction", None)
    with pytest.raises(UserError, match=r"^ST-GCN\+\+ needs MMAction2: pip install .*$"):
        load_backbone()


def test_the_real_network_computes_what_the_stand_in_does():
    pytest.importorskip("mmaction", exc_type=ImportError)
    network = STGCNPlusPlus(LABELS).eval()
    assert sum(p.numel() for p in network.backbone.parameters()) == 1_377_596
    assert network.backbone(torch.zeros(1, 2, 64, 17, 3)).shape == (1, 2, 256, 16, 17)
    assert network(*windows(2)).shape == (4, 4)
