import sys
from pathlib import Path

import numpy as np
import pytest

from models.errors import UserError
from pipeline.source import open_source
from pipeline.speed.memory import program, repeat
from tests.pipeline.videos import CLIPS

WALK = CLIPS / "walk.mp4"


def test_a_program_that_fails_is_no_figure(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        program(tmp_path / "none.mp4")


@pytest.mark.training
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a child's peak memory")
def test_time_and_memory_of_the_program(monkeypatch):
    monkeypatch.chdir(WALK.parent)
    ours = np.ones(2**28)  # 2 GB, which are not the program's
    seconds, memory = program(Path(WALK.name), "--max-seconds", "0.1")
    assert seconds > 0.1 and 100 < memory < ours.nbytes / 2**20


def test_a_video_is_repeated_for_as_long_as_asked(tmp_path):
    repeat(WALK, 10, tmp_path / "long.mp4")
    with open_source(tmp_path / "long.mp4") as source:
        times = [frame.time for frame in source]
    assert len(times) == 3 * 120 and np.allclose(np.diff(times), 1 / 30, atol=1e-3)
