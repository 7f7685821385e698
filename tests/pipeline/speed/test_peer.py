import sys

import pytest

from models.errors import UserError
from pipeline.speed import peer


@pytest.mark.training
def test_the_peer_takes_turns_on_the_same_frames(pipeline, frames, tmp_path, monkeypatch):
    program = tmp_path / "peer.py"
    program.write_text(
        "import sys, numpy as np\n"
        "frames = np.load(sys.argv[1])\n"
        "for _ in sys.stdin: print(100.0, len(frames), flush=True)\n"
    )
    monkeypatch.setattr(peer, "PROGRAM", program)
    monkeypatch.setattr(peer, "ROUNDS", 1)
    found = peer.against(sys.executable, pipeline, frames[:6])
    assert found["peer's frames/s"] == pytest.approx(0.06)
    assert found["peer's people a frame"] == 6
    assert found["ratio"] == pytest.approx(found["frames/s"] / 0.06)


@pytest.mark.parametrize("python", ["no-such-python", sys.executable])
def test_without_the_peer_one_line_says_so(pipeline, frames, python):
    with pytest.raises(UserError, match="peer"):
        peer.against(python, pipeline, frames[:2])
