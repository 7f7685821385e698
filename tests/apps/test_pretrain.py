import os
import subprocess
import sys
from pathlib import Path

import pytest

from apps.cli import run
from apps.pretrain import main
from models.action.skeleton_mae import SkeletonMAE
from tests.skeletons import dataset

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "tiny_config.py"


def pretrain(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["pretrain.py", *map(str, arguments)])
    run(main)


def refused(monkeypatch, capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        pretrain(monkeypatch, *arguments)
    assert stop.value.code == 2
    return capsys.readouterr().err


@pytest.mark.training
def test_it_writes_a_checkpoint_that_lists_its_clips(monkeypatch, tmp_path):
    data, out = dataset(tmp_path / "a.pkl"), tmp_path / "mae.safetensors"
    options = ["--data", data, "--split", "train", "--out", out, "--work-dir", tmp_path / "run"]
    pretrain(monkeypatch, TINY, *options, "--epochs", 1, "--threads", 1, "--tensorboard")
    assert [name for name, _ in SkeletonMAE.load(out).clips] == [f"a/clip{i:02d}" for i in range(8)]
    assert list((tmp_path / "run").rglob("events.out.tfevents*"))


def test_mistakes_are_answered_with_one_line(monkeypatch, capsys, tmp_path):
    data, out = dataset(tmp_path / "a.pkl"), tmp_path / "mae.safetensors"
    good = {"--data": data, "--split": "train", "--out": out}

    def answer(config=TINY, **changed):
        options = good | {f"--{name}": value for name, value in changed.items()}
        flat = [part for option in options.items() for part in option]
        return refused(monkeypatch, capsys, config, *flat)

    assert "missing.py" in answer(config=tmp_path / "missing.py")
    assert "missing.pkl" in answer(data=tmp_path / "missing.pkl")
    assert "only: train, test" in answer(split="validation")
    assert "unknown layout" in answer(layout="ntu26")
    assert "is a folder" in answer(out=tmp_path)
    (tmp_path / "file").touch()
    for name in ("out", "work-dir"):
        assert "cannot make the folder" in answer(**{name: tmp_path / "file" / "run" / "x"})
    for text in (answer(split="none"), answer(layout="ntu25")):
        assert text.count("\n") == 1
        assert text.startswith("error: ")


@pytest.mark.training
def test_two_processes_share_the_work(tmp_path):
    data, out = dataset(tmp_path / "a.pkl"), tmp_path / "mae.safetensors"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    command += ["apps/pretrain.py", TINY, "--data", data, "--split", "train", "--out", out]
    command += ["--work-dir", tmp_path / "run", "--threads", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    model = SkeletonMAE.load(out)
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert out.stat().st_mode & 0o044 == 0o044  # others may read it
    log = "".join(path.read_text() for path in (tmp_path / "run").rglob("*.log"))
    assert "GPU number: 2" in log  # what MMEngine calls a process
    assert "[1/1]" in log  # 8 clips in batches of 4 on 2 processes: one step an epoch
