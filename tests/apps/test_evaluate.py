import json
import sys

import pytest
import torch

from apps.cli import run
from apps.evaluate import main
from models.action.label import Label
from models.action.skeleton_mae import SkeletonMAE
from models.action.strl import STRL
from models.training.evaluation import STRESS
from tests.skeletons import dataset


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    model = STRL([Label("wave", 0), Label("squat", 0)], width=8, depth=1, strides=(1,))
    model.clips = [["elsewhere/clip", "0123456789abcdef"]]
    model.save(tmp_path / "strl.safetensors")
    return tmp_path / "strl.safetensors"


def evaluate(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["evaluate.py", *map(str, arguments)])
    run(main)


def test_it_prints_every_figure(monkeypatch, capsys, tmp_path, weights):
    data, out = dataset(tmp_path / "a.pkl", layout="kinect20"), tmp_path / "figures.json"
    options = ["--data", data, "--split", "test", "--stress", "--json", out]
    evaluate(monkeypatch, weights, *options)
    figures = json.loads(out.read_text())
    printed = capsys.readouterr().out
    for name in ("top-1", "top-5", "mean class accuracy", "calibration error", "coverage"):
        assert 0 <= figures[name] <= 1
        assert name in printed
    assert sum(name.startswith("top-1, ") for name in figures) == len(STRESS)
    assert figures["top-5"] == 1  # of two labels
    assert "confusion" in printed
    assert "NOT HELD OUT" not in printed


def test_it_measures_the_reconstruction_of_masked_joints(monkeypatch, capsys, tmp_path):
    torch.manual_seed(0)
    network = SkeletonMAE(width=16, hidden=16, depth=1, identity=True, masked_parts=(1, 1))
    network.save(tmp_path / "mae.safetensors")
    data, out = dataset(tmp_path / "a.pkl", layout="kinect20"), tmp_path / "figures.json"
    options = ["--data", data, "--split", "test", "--rebuild", "--json", out]
    evaluate(monkeypatch, tmp_path / "mae.safetensors", *options)
    figures = json.loads(out.read_text())
    assert figures["masked joints"] > 100
    middle = figures["error of the visible joints' middle"]
    assert 0.5 < middle < 4  # of a body about 6 torso lengths tall, in STANDING's proportions
    assert figures["error, torso lengths"] > 0.2 * middle  # the network is untrained
    assert "correlation of the distances" in capsys.readouterr().out


def test_it_evaluates_on_what_a_training_holds_out(monkeypatch, tmp_path, weights):
    data, out = dataset(tmp_path / "a.pkl", clips=30, layout="kinect20"), tmp_path / "figures.json"
    given = ["--data", data, "--split", "train", "test", "--json", out]
    for held, count in ((["test"], 10), ([], 6)):  # without a split a fifth of every class
        evaluate(monkeypatch, weights, *given, "--validation", *held)
        assert json.loads(out.read_text())["clips"] == count


def test_a_split_that_was_trained_on_is_marked(monkeypatch, capsys, tmp_path, weights):
    data = dataset(tmp_path / "a.pkl", layout="kinect20")
    model = STRL.load(weights)
    model.clips = [["a/clip11", "0"]]
    model.save(weights)
    evaluate(monkeypatch, weights, "--data", data, "--split", "test")
    line = next(line for line in capsys.readouterr().out.splitlines() if "NOT HELD OUT" in line)
    assert line.split()[-1] == "1"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--data": "missing.pkl"}, "missing.pkl"),
        ({"--split": "fold1"}, "only: train, test"),
        ({"--layout": "ntu25"}, "20 joints but its layout has 25"),
        ({"--labels": "missing.json"}, "missing.json"),
        ({"--mode": "frame"}, "invalid choice"),
        ({"--json": "/dev/null/figures.json"}, "cannot write"),
    ],
)
def test_mistakes_are_answered_with_one_line(
    monkeypatch, capsys, tmp_path, weights, changed, message
):
    data = dataset(tmp_path / "a.pkl", layout="kinect20")
    options = {"--data": data, "--split": "test"} | changed
    with pytest.raises(SystemExit) as stop:
        evaluate(monkeypatch, weights, *[part for option in options.items() for part in option])
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert message in error
    assert error.count("\n") == 1
