import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from apps.cli import run
from apps.evaluate import main as evaluate
from apps.finetune import main as finetune
from apps.pretrain import main as pretrain
from models.action.backbone import Backbone
from models.action.strl import STRL
from models.training import recipes
from tests.skeletons import dataset, space_dataset

TINY = Path(__file__).parents[1] / "tiny_config.py"
MOTION = """
_base_ = ["{tiny}"]
pretraining = "motion"
motion = dict(
    model=dict(share=0.5),
    augmentation=dict(mirror=True),
    live=0.5,
    schedule=dict(epochs=1, batch_size=4, lr=1e-3, weight_decay=0.0),
)
"""
CONFIGS = Path(__file__).parents[2] / "models" / "configs"


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def door(monkeypatch, main, *arguments):
    monkeypatch.setattr(sys, "argv", ["door.py", *map(str, arguments)])
    run(main)


def refused(monkeypatch, capsys, main, *arguments):
    with pytest.raises(SystemExit) as stop:
        door(monkeypatch, main, *arguments)
    assert stop.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.training
def test_from_skeletons_to_figures(monkeypatch, capsys, tmp_path):
    """Pre-train, fine-tune with validation, and evaluate, in both modes and with a probe."""
    data = dataset(tmp_path / "a.pkl", clips=18, layout="msr20")
    mae, strl = tmp_path / "mae.safetensors", tmp_path / "strl.safetensors"
    given = ["--data", data, "--split", "train"]
    runs = ["--work-dir", tmp_path / "runs", "--threads", 1]
    door(monkeypatch, pretrain, TINY, *given, *runs, "--out", mae)
    tuning = [TINY, *given, *runs, "--pretrained", mae, "--out", strl, "--epochs", 3]
    door(monkeypatch, finetune, *tuning, "--validation", "--amp")
    printed = capsys.readouterr().out
    assert "top-1" in printed
    assert "clips" in printed
    assert "NOT HELD OUT" in printed  # pre-training used the clips held out now
    assert len(STRL.load(strl).clips) == 12

    figures, picture = tmp_path / "figures.json", tmp_path / "confusion.png"
    trying = [strl, "--data", data, "--split", "test", "--json", figures, "--picture", picture]
    for mode in ("clip", "window"):
        door(monkeypatch, evaluate, *trying, "--mode", mode)
        assert json.loads(figures.read_text())["clips"] == 6
        assert json.loads(figures.read_text())["mode"] == mode
    assert "NOT HELD OUT" not in capsys.readouterr().out
    assert picture.exists()
    door(monkeypatch, evaluate, *trying, "--split", "train", "test")
    assert json.loads(figures.read_text())["NOT HELD OUT: clips seen in training"] == 12
    for weights in (mae, strl):
        door(monkeypatch, evaluate, weights, *trying[1:], "--linear", "train")
        assert json.loads(figures.read_text())["top-1"] >= 0.5


@pytest.mark.training
def test_a_classifier_starts_from_whole_windows(monkeypatch, capsys, tmp_path):
    data, start, out = dataset(tmp_path / "a.pkl", clips=9), tmp_path / "start", tmp_path / "out"
    config = tmp_path / "motion.py"
    config.write_text(MOTION.format(tiny=TINY))
    given = ["--data", data, "--split", "train", "--epochs", 1, "--threads", 1]
    door(monkeypatch, pretrain, config, *given, "--work-dir", tmp_path / "pre", "--out", start)
    pretrained = Backbone.load(start)
    assert [name for name, _ in pretrained.clips] == [f"a/clip{index:02d}" for index in range(6)]
    saved = pretrained.state_dict()
    begun = []

    def train(model, *rest, **schedule):
        begun.append({name: value.clone() for name, value in model.network.state_dict().items()})
        original(model, *rest, **schedule)

    original = recipes.train
    monkeypatch.setattr(recipes, "train", train)
    tuning = [*given, "--work-dir", tmp_path / "run", "--pretrained", start]
    door(monkeypatch, finetune, config, *tuning, "--out", out)
    assert all(torch.equal(begun[0][name], value) for name, value in saved.items())
    assert len(STRL.load(out).clips) == 6
    for probe in ("--linear", "--neighbours"):
        door(monkeypatch, evaluate, start, "--data", data, "--split", "test", probe, "train")
        assert "top-1" in capsys.readouterr().out
    testing = [start, "--data", data, "--split", "test"]
    assert "not a strl checkpoint" in refused(monkeypatch, capsys, evaluate, *testing)
    wide = tmp_path / "wide.py"
    wide.write_text(MOTION.format(tiny=TINY) + "finetune = dict(model=dict(width=16))")
    message = refused(monkeypatch, capsys, finetune, wide, *tuning, "--out", out)
    assert "differs from the config" in message


@pytest.mark.training
def test_temperature_and_thresholds_are_taken_from_a_calibrated_checkpoint(monkeypatch, tmp_path):
    data, calibrated, out = (
        dataset(tmp_path / "a.pkl"),
        tmp_path / "calibrated.safetensors",
        tmp_path / "out",
    )
    given = ["--data", data, "--split", "train", "--work-dir", tmp_path / "run", "--epochs", 1]
    door(monkeypatch, finetune, TINY, *given, "--out", calibrated)
    model = STRL.load(calibrated)
    model.temperature, model.thresholds = 1.7, {1: 0.61, 2: 0.42}
    model.labels[1] = replace(model.labels[1], threshold=0.3)
    model.save(calibrated)
    door(monkeypatch, finetune, TINY, *given, "--out", out, "--calibrated", calibrated)
    assert STRL.load(out).temperature == 1.7
    assert STRL.load(out).thresholds == {1: 0.61, 2: 0.42}
    assert STRL.load(out).labels == model.labels


@pytest.mark.training
def test_it_continues_from_a_classifier_with_other_labels(monkeypatch, tmp_path):
    data, first, out = dataset(tmp_path / "a.pkl"), tmp_path / "first", tmp_path / "out"
    given = ["--data", data, "--work-dir", tmp_path / "run", "--epochs", 1]
    door(monkeypatch, finetune, TINY, *given, "--split", "test", "--out", first)
    names = tmp_path / "names.json"
    names.write_text('{"class 0": "greet", "class 1": "exercise"}')
    more = ["--split", "train", "--labels", names, "--pretrained", first, "--out", out]
    door(monkeypatch, finetune, TINY, *given, *more)
    assert [label.name for label in STRL.load(out).labels] == ["exercise", "greet"]
    assert len(STRL.load(out).clips) == 12  # of both trainings


@pytest.mark.training
@pytest.mark.parametrize(
    ("config", "people"),
    [("ntu60", 2), ("ntu120", 2), ("finegym", 1), ("diving48", 1)],
)
def test_the_ready_configs_take_files_as_pyskl_publishes_them(
    monkeypatch, tmp_path, config, people
):
    data = dataset(tmp_path / f"{config}_hrnet.pkl", clips=9, people=people, dtype="float16")
    out = tmp_path / "strl.safetensors"
    options = ["--data", data, "--split", "train", "--epochs", 1, "--work-dir", tmp_path / "run"]
    door(monkeypatch, finetune, CONFIGS / f"{config}.py", *options, "--out", out)
    assert [label.name for label in STRL.load(out).labels] == ["class 0", "class 1"]


@pytest.mark.training
def test_the_ready_configs_take_3d_files_as_pyskl_publishes_them(monkeypatch, capsys, tmp_path):
    data = tmp_path / "ntu60_3danno.pkl"
    space_dataset(data, 9, layout=None, axes="left up away", people=2, score=False)
    out = tmp_path / "strl.safetensors"
    options = ["--data", data, "--split", "train", "--epochs", 1, "--work-dir", tmp_path / "run"]
    door(monkeypatch, finetune, CONFIGS / "ntu60.py", *options, "--out", out)
    door(monkeypatch, evaluate, out, "--data", data, "--split", "test", "--views", 2)
    assert "top-1, camera at 180 degrees" in capsys.readouterr().out
    flat = dataset(tmp_path / "ntu60_hrnet.pkl", clips=9, people=2)
    door(monkeypatch, evaluate, out, "--data", flat, "--split", "train")
    assert "NOT HELD OUT" in capsys.readouterr().out  # the same clips, in 2D
    message = refused(
        monkeypatch, capsys, evaluate, out, "--data", flat, "--split", "test", "--views", 2
    )
    assert "in 2D: it has one view" in message


@pytest.mark.training
def test_the_classes_of_ntu_have_names(monkeypatch, tmp_path):
    names = CONFIGS / "ntu_labels.json"
    assert list(json.loads(names.read_text())) == [f"class {index}" for index in range(120)]
    assert len(set(json.loads(names.read_text()).values())) == 120
    data, out = dataset(tmp_path / "ntu60_hrnet.pkl"), tmp_path / "strl.safetensors"
    options = ["--data", data, "--split", "train", "--epochs", 1, "--work-dir", tmp_path / "run"]
    door(monkeypatch, finetune, TINY, *options, "--labels", names, "--out", out)
    assert [label.name for label in STRL.load(out).labels] == ["drink water", "eat meal/snack"]


@pytest.mark.training
def test_classes_are_mapped_onto_the_vocabulary(monkeypatch, capsys, tmp_path):
    data, out = dataset(tmp_path / "a.pkl", layout="sbu15"), tmp_path / "strl.safetensors"
    mapping = tmp_path / "map.json"
    mapping.write_text('{"wave": "greet", "squat": "exercise"}')
    options = ["--data", data, "--split", "train", "--epochs", 1, "--work-dir", tmp_path / "run"]
    door(monkeypatch, finetune, TINY, *options, "--out", out, "--labels", mapping)
    assert [label.name for label in STRL.load(out).labels] == ["exercise", "greet"]
    testing = [out, "--data", data, "--split", "test"]
    assert "no label squat" in refused(monkeypatch, capsys, evaluate, *testing)
    door(monkeypatch, evaluate, *testing, "--labels", mapping)


def test_mistakes_are_answered_with_one_line(monkeypatch, capsys, tmp_path):
    data, out = dataset(tmp_path / "a.pkl"), tmp_path / "strl.safetensors"
    options = [TINY, "--data", data, "--split", "train", "--out", out]
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"junk")
    assert "wrong" in refused(monkeypatch, capsys, finetune, *options, "--pretrained", wrong)
    assert "-1 is not between" in refused(monkeypatch, capsys, finetune, *options, "--workers", -1)
    assert "wrong" in refused(monkeypatch, capsys, evaluate, wrong, *options[1:-2])
