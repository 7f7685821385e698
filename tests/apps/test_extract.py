"""Clips in, a data set out, through the command: what it says, and what stops it."""

import os
import shutil
import signal
import sys

import numpy as np
import pytest

import pipeline.extract.workers
from apps.cli import run
from apps.extract import main
from models.data.pyskl import read
from tests.apps.processes import alive, children, launch, wait_for
from tests.models.data.imports import formats
from tests.pipeline.extract.cut import CLIPS, cut

WALK, PAIR = CLIPS / "walk.mp4", CLIPS / "two_people.mp4"


def extract(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["extract.py", *map(str, arguments)])
    run(main)


def refused(monkeypatch, capsys, *arguments):
    """The last line on standard error of a command that ends with status 2."""
    with pytest.raises(SystemExit) as stop:
        extract(monkeypatch, *arguments)
    assert stop.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    """Two labels of one person, cut from the bundled walk."""
    folder = tmp_path_factory.mktemp("footage")
    for number, start in enumerate((0.5, 1.5)):
        cut(WALK, folder / "walk" / f"{number}.mp4", start, start + 1)
        cut(WALK, folder / "klaw 🚶" / f"{number}.mp4", start, start + 1, mirrored=True)
    return folder


@pytest.fixture
def clips(footage, tmp_path):
    shutil.copytree(footage, tmp_path / "clips")
    return tmp_path / "clips"


@pytest.mark.slow
def test_a_cluster_extracts_the_same(monkeypatch, clips, tmp_path):
    utilities = pytest.importorskip("ray.cluster_utils", reason="needs requirements-batch.txt")
    here, there = tmp_path / "here" / "mine.pkl", tmp_path / "there" / "mine.pkl"
    for out in (here, there):
        out.parent.mkdir()
    extract(monkeypatch, clips, "--out", here, "--processes", 2)
    settings = {"num_cpus": 2, "include_dashboard": False, "object_store_memory": 100 << 20}
    cluster = utilities.Cluster(initialize_head=True, head_node_args=settings)
    try:
        extract(monkeypatch, clips, "--out", there, "--address", cluster.address)
    finally:
        cluster.shutdown()
    assert there.read_bytes() == here.read_bytes()


@pytest.mark.slow
def test_a_folder_becomes_a_data_set_and_is_extracted_once(monkeypatch, capsys, clips, tmp_path):
    (clips / "walk" / "broken.mp4").write_bytes(b"no video")
    shutil.copy(clips / "walk" / "0.mp4", clips / "walk" / "copy.mp4")
    (clips / "loose.txt").write_text("")
    out = tmp_path / "mine.pkl"
    extract(monkeypatch, clips, "--out", out, "--processes", 2)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "klaw 🚶: 2 clips of one person, 2.0 s",
        "walk: 2 clips of one person, 2.0 s",
    ]
    lines = [line for line in printed.err.splitlines() if line.startswith("left out ")]
    assert [line.split(": ")[0].removeprefix("left out ") for line in lines] == [
        "loose.txt",
        "walk/copy.mp4",
        "walk/broken.mp4",
    ]
    assert "not a video" in lines[-1] and "it is walk/0.mp4 again" in lines[1]
    assert f"wrote {out}: 4 of 7 clips" in printed.err
    assert "| 5 of 5 clips, 00:" in printed.err and " left" in printed.err
    data = read(out)
    assert data.classes == ["klaw 🚶", "walk"]
    assert [clip.name for clip in data.split(["all"])] == [
        f"mine/{label}/{n}.mp4" for label in data.classes for n in (0, 1)
    ]
    for number in (0, 1):
        shoulders = [
            data.clips[f"{label}/{number}.mp4"].keypoints[0, 5:25, [5, 6], 0].mean(axis=0)
            for label in data.classes
        ]
        assert np.abs(sum(shoulders) - 640).max() < 20, "one is the other, mirrored"

    def again(*_):
        raise AssertionError("nothing is missing but what is no video")

    (clips / "walk" / "broken.mp4").unlink()
    monkeypatch.setattr(pipeline.extract.workers, "extract_all", again)
    out.unlink()
    extract(monkeypatch, clips, "--out", out)
    kept = read(out).clips
    assert kept.keys() == data.clips.keys()
    assert all(kept[name].fingerprint == clip.fingerprint for name, clip in data.clips.items())


@pytest.mark.slow
def test_a_list_and_skeletons_of_other_programs(monkeypatch, capsys, tmp_path):
    formats.ntu(tmp_path / "a.skeleton", frames=30)
    formats.ntu(tmp_path / "b.skeleton", people=2, frames=40)
    formats.table(tmp_path / "c.csv")
    (tmp_path / "list.csv").write_text(
        "path,label,split\na.skeleton,wave,train\nb.skeleton,wave,test\nc.csv,wave,test\n"
    )
    out = tmp_path / "deep" / "mine_2d.pkl"
    extract(monkeypatch, tmp_path / "list.csv", "--out", out, "--processes", 1)
    data = read(out)
    assert data.splits["train"] == ["a.skeleton"]
    assert data.splits["test"] == ["b.skeleton", "c.csv"]
    assert {clip.name for clip in data.clips.values()} == {
        f"mine/{name}" for name in data.splits["all"]
    }
    assert capsys.readouterr().out == "wave: 3 clips of one person, 3.5 s\n"
    space = tmp_path / "mine_3d.pkl"
    extract(monkeypatch, tmp_path / "list.csv", "--out", space, "--space", "--people", 1)
    assert "c.csv: its joints are in the picture only" in capsys.readouterr().err
    assert read(space).clips["a.skeleton"].space.shape == (1, 30, 17, 3)


@pytest.mark.parametrize(
    ("files", "options", "reason"),
    [
        ([], [], "is empty: put clips into it"),
        (["walk/a.mp4"], [], "no clip in"),
        (["a.mp4"], [], "no clip in"),
        (["walk/a.mp4"], ["--out", "out.txt"], "ends in .pkl"),
        (["walk/a.mp4"], ["--fps", "0"], "0 is not between 0.001 and 1000"),
        (["walk/a.mp4"], ["--size", "100"], "is not a size like 1280x720"),
        (["walk/a.mp4"], ["--processes", "0"], "0 is not between 1 and 100"),
        (["walk/a.mp4"], ["--pose", "nobody"], "nobody"),
    ],
)
def test_mistakes_are_told_in_a_line(monkeypatch, capsys, tmp_path, files, options, reason):
    (tmp_path / "clips").mkdir()
    for name in files:
        path = tmp_path / "clips" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("nothing of the kind")
    given = ["--out", tmp_path / "out.pkl", "--processes", 1, *options]
    assert reason in refused(monkeypatch, capsys, tmp_path / "clips", *given)
    assert not (tmp_path / "out.pkl").exists()


def test_an_earlier_data_set_is_kept_when_nothing_can_be_used(monkeypatch, capsys, tmp_path):
    (tmp_path / "clips" / "walk").mkdir(parents=True)
    (tmp_path / "clips" / "walk" / "a.json").write_text("{}")
    out = tmp_path / "out.pkl"
    out.write_text("earlier")
    assert "for the reasons above" in refused(monkeypatch, capsys, tmp_path / "clips", "--out", out)
    assert out.read_text() == "earlier"


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_was_stopped_goes_on(monkeypatch, capsys, clips, tmp_path, stop):
    # The long one is begun last, and is under way when the others are done.
    cut(PAIR, clips / "walk" / "z.mp4", 0, 8)
    out, store = tmp_path / "mine.pkl", tmp_path / "mine.extracted"
    process = launch("extract", clips, "--out", out, "--processes", 1)
    done = wait_for(lambda: sorted(store.glob("*.safetensors"))[:3])
    workers = children(process.pid)
    if stop == signal.SIGINT:
        os.killpg(process.pid, stop)  # as a terminal does
        _, printed = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "stopped; the same command goes on where it was" in printed
        assert "Traceback" not in printed
    else:
        process.kill()
        process.communicate(timeout=60)
    wait_for(lambda: not any(map(alive, workers)))
    assert not out.exists()
    missing = []

    def count(clips, *_):
        missing.extend(clips)
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.extract.workers, "extract_all", count)
    with pytest.raises(SystemExit):
        extract(monkeypatch, clips, "--out", out)
    kept = {file.stem for file in store.glob("*.safetensors")}
    assert len(missing) + len(kept) == 5 and kept.isdisjoint(missing)
    assert {file.stem for file in done} <= kept


@pytest.mark.slow
def test_a_process_that_dies_is_told_with_the_clip(clips, tmp_path):
    cut(PAIR, clips / "walk" / "z.mp4", 0, 8)
    process = launch("extract", clips, "--out", tmp_path / "mine.pkl", "--processes", 1)
    wait_for(lambda: sorted((tmp_path / "mine.extracted").glob("*.safetensors")))
    (worker,) = filter(is_worker, children(process.pid))
    os.kill(worker, signal.SIGKILL)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 2
    last = printed.splitlines()[-1]
    assert last.startswith("error: a process died") and ".mp4: run the command again" in last


def is_worker(pid):
    """Whether a process extracts, rather than tracking shared memory."""
    with open(f"/proc/{pid}/cmdline") as file:
        return "spawn_main" in file.read()
