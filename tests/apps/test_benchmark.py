import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from apps import benchmark as door
from apps.cli import run
from models.errors import UserError
from pipeline.engine import Pipeline, Result
from pipeline.source import open_source
from pipeline.speed import benchmark

WALK = Path(__file__).parents[1] / "data" / "walk.mp4"


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline()


@pytest.fixture(scope="module")
def frames():
    return benchmark.read(WALK, start=0.5, seconds=1)


def test_frames_are_those_between_two_times(frames):
    assert len(frames) == 30
    assert [frame.index for frame in frames] == list(range(30))
    assert frames[0].time == 0 and frames[-1].time == pytest.approx(29 / 30)


def test_every_stage_is_timed_and_every_call_counted(pipeline, frames):
    before = pipeline.detector, pipeline.pose, pipeline.beside
    spent, calls, people = benchmark.stages(pipeline, WALK, frames)
    assert (pipeline.detector, pipeline.pose, pipeline.beside) == before
    assert len(spent["pose"]) == len(calls) == len(people) == len(frames)
    assert all(len(boxes) >= 1 for _, boxes in calls)
    assert 3 <= len(spent["detect"]) < 15
    assert 4 <= len(spent["cut windows and classify"]) <= 6
    assert len(spent["encode"]) == len(spent["draw"]) == 30
    assert all(min(times) >= 0 for times in spent.values())
    assert set(people[1:]) == {1}


def test_a_program_that_fails_is_no_figure(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        benchmark.program(tmp_path / "none.mp4")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a child's peak memory")
def test_time_and_memory_of_the_program():
    ours = np.ones(2**28)  # 2 GB, which are not the program's
    seconds, memory = benchmark.program(WALK, "--max-seconds", "0.1")
    assert seconds > 0.1 and 100 < memory < ours.nbytes / 2**20


def test_the_peer_takes_turns_on_the_same_frames(pipeline, frames, tmp_path, monkeypatch):
    peer = tmp_path / "peer.py"
    peer.write_text(
        "import sys, numpy as np\n"
        "frames = np.load(sys.argv[1])\n"
        "for _ in sys.stdin: print(100.0, len(frames), flush=True)\n"
    )
    monkeypatch.setattr(benchmark, "PEER", peer)
    monkeypatch.setattr(benchmark, "ROUNDS", 1)
    found = benchmark.against(sys.executable, pipeline, frames[:6])
    assert found["peer's frames/s"] == pytest.approx(0.06)
    assert found["peer's people a frame"] == 6
    assert found["ratio"] == pytest.approx(found["frames/s"] / 0.06)


@pytest.mark.parametrize("peer", ["no-such-python", sys.executable])
def test_without_the_peer_one_line_says_so(pipeline, frames, peer):
    with pytest.raises(UserError, match="peer"):
        benchmark.against(peer, pipeline, frames[:2])


def test_the_table_has_every_figure():
    report = {
        "machine": {"processor": "abacus"},
        "stages, ms": {"pose": [10.04, 20.0]},
        "live latency p50, p95, ms": [12.0, 34.0],
        "peak memory of apps/video.py, MB": None,
    }
    lines = benchmark.table(report).splitlines()
    assert lines[0] == "machine" and lines[1].split() == ["processor", "abacus"]
    assert lines[3].split() == ["pose", "10.0", "20.0"]
    assert lines[4].split()[-2:] == ["12.00", "34.00"]
    assert lines[5].endswith("not known here")


def test_as_many_people_as_asked_for(pipeline):
    walkers = benchmark.read(benchmark.WALKERS, 1.0, 0.5)
    for count in (1, 5):
        pipeline.forget()
        seen = [pipeline(frame) for frame in benchmark.crowd(walkers, count)]
        assert len(seen[-1].people) == count
        assert seen[-1].frame.image.shape == (810, 1440, 3)


def test_scaled_pictures_keep_their_shape(frames):
    assert benchmark.scaled(frames[:1], 221)[0].image.shape == (221, 640, 3)


def test_the_plot_is_a_picture(tmp_path):
    found = {"people": {1: 60.0, 2: 50.0}, "height": {360: 70.0, 720: 60.0}}
    benchmark.plot(found, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(UserError, match="cannot write"):
        benchmark.plot(found, tmp_path / "none" / "plot.png")


def test_a_mistake_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmark.py", "--people", "0"])
    with pytest.raises(SystemExit) as stop:
        run(door.main)
    assert stop.value.code == 2 and "1 or more" in capsys.readouterr().err


def test_a_video_is_repeated_for_as_long_as_asked(tmp_path):
    benchmark.repeat(WALK, 10, tmp_path / "long.mp4")
    with open_source(tmp_path / "long.mp4") as source:
        times = [frame.time for frame in source]
    assert len(times) == 3 * 120 and np.allclose(np.diff(times), 1 / 30, atol=1e-3)


def test_live_frames_are_dropped_and_never_queued(frames):
    class Sleepy:
        pose = SimpleNamespace(threshold=0.3)

        def forget(self):
            self.seen = []

        def __call__(self, frame):
            time.sleep(0.3 if frame.index == 2 else 0)
            self.seen.append(frame.index)
            return Result(frame, [], [])

    sleepy = Sleepy()
    late, dropped = benchmark.latency(sleepy, frames[:20])
    assert len(late) == len(sleepy.seen) and len(late) + dropped == 20
    assert not {3, 4, 5, 6, 7, 8} & set(sleepy.seen)
    assert max(late) >= 0.3


def test_only_the_search_is_timed(pipeline, frames):
    with benchmark.watched(pipeline) as spent:
        pipeline.detector.regions(frames[0].image, 1)
        assert not spent["detect"]
        pipeline.detector.search(frames[0].image, 2)
        assert len(spent["detect"]) == 1
