"""Data sets that visitors load, good and hostile ones."""

import pickle

import numpy as np
import pytest

from models.errors import UserError
from pipeline.web import intake
from pipeline.web.intake import read_takes, write_takes
from pipeline.web.takes import Takes
from tests.pipeline.web.lessons import SQUAT, skeletons


class Touch:
    """A pickle that would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def written(path):
    takes = Takes()
    for seed in range(2):
        takes.add("wave", skeletons(seed=seed))
        takes.add("squat", skeletons(SQUAT, seed))
    write_takes(path, takes.examples())
    return path


@pytest.mark.slow
def test_what_was_downloaded_is_read_again(tmp_path):
    found = read_takes(written(tmp_path / "mine.pkl"), tmp_path / "spare.pkl")
    assert sorted(label for label, _ in found) == ["squat", "squat", "wave", "wave"]
    assert np.allclose(dict(found)["wave"].keypoints, skeletons(seed=1).keypoints)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.pkl"]


@pytest.mark.slow
def test_a_hostile_file_runs_nothing_and_takes_little(tmp_path):
    hostile, made = tmp_path / "hostile.pkl", tmp_path / "made"
    hostile.write_bytes(pickle.dumps(Touch(made)))
    with pytest.raises(UserError, match="pickle of arrays"):
        read_takes(hostile, tmp_path / "spare.pkl")
    assert not made.exists()
    # An array of 80 GB, by its shape alone.
    hostile.write_bytes(b"cnumpy\nndarray\n((I10000000000\nttR.")
    with pytest.raises(UserError, match="pickle of arrays"):
        read_takes(hostile, tmp_path / "spare.pkl")


def test_a_large_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "MAX_BYTES", 10)
    with pytest.raises(UserError, match="has more than"):
        read_takes(written(tmp_path / "mine.pkl"), tmp_path / "spare.pkl")


def test_limits_hold_for_files_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("pipeline.web.takes.MAX_TAKES", 1)
    monkeypatch.setattr(intake, "be_child", lambda: 1)
    monkeypatch.setattr(intake, "be_modest", lambda memory: None)
    source = tmp_path / "mine.pkl"
    with pytest.raises(SystemExit):
        monkeypatch.setattr("pipeline.web.takes.MAX_TAKES", 40)
        written(source)
        monkeypatch.setattr("pipeline.web.takes.MAX_TAKES", 1)
        intake.main(str(source), str(tmp_path / "spare.pkl"))
    assert "has 1 takes already" in capsys.readouterr().err
