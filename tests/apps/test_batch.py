import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.batch import main
from apps.cli import run
from tests.pipeline.videos import CLIPS, make_video

ROOT = Path(__file__).parents[2]
PATIENCE = 300
"""Seconds for Ray on a machine with other work."""


def command(*arguments):
    return [sys.executable, str(ROOT / "apps" / "batch.py"), *map(str, arguments)]


def batch(*arguments):
    """Run the program, and return its exit status and its last lines."""
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, [line for line in done.stderr.splitlines() if "|" not in line]


def refused(monkeypatch, capsys, *arguments):
    """The one line that a mistake is answered with."""
    monkeypatch.setattr(sys, "argv", ["batch.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        run(main)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_mistakes_get_one_line(monkeypatch, capsys, tmp_path):
    assert "name a folder" in refused(monkeypatch, capsys)
    assert "--workers" in refused(monkeypatch, capsys, "v", "--address", "auto", "--workers", 2)
    assert "must end in" in refused(monkeypatch, capsys, tmp_path, "--table", "a.txt")
    monkeypatch.setitem(sys.modules, "ray", None)
    line = refused(monkeypatch, capsys, tmp_path)
    assert line.startswith("error: Ray is not installed") and "requirements-batch.txt" in line


@pytest.mark.slow
def test_a_folder_of_videos_is_done_once(tmp_path):
    pytest.importorskip("ray", reason="needs requirements-batch.txt")
    videos, out = tmp_path / "videos", tmp_path / "out"
    (videos / "deep").mkdir(parents=True)
    shutil.copy(CLIPS / "walk.mp4", videos / "deep" / "walk.mp4")
    (videos / "text.mp4").write_text("no video")
    arguments = (videos, "--out", out, "--max-seconds", 1.2, "--video")
    status, lines = batch(*arguments)
    assert status == 1 and "1 of 2 videos are done" in lines[-2]
    assert lines[-1].startswith("failed: text.mp4: cannot be read: it is not a video")
    rows = list(csv.DictReader((out / "events.csv").open()))
    assert {(row["video"], row["label"]) for row in rows} == {("deep/walk.mp4", "walk")}
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["done"], summary["seconds of video"], summary["people"]) == (1, 1.2, 1)
    before = {path: path.stat().st_mtime_ns for path in (out / "deep").iterdir()}
    assert len(before) == 4

    (videos / "text.mp4").unlink()
    status, lines = batch(*arguments)
    assert status == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "deep").iterdir()} == before
    assert list(csv.DictReader((out / "events.csv").open())) == rows
    assert json.loads((out / "summary.json").read_text())["done before"] == 1
    assert not list(tmp_path.rglob("*partial*"))


def workers(node):
    """The processes in which a node works on videos."""
    raylet = node.all_processes["raylet"][0].process.pid
    children = Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split()
    names = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return [pid for pid, name in names.items() if name.startswith(b"ray::process")]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")
def test_a_cluster_loses_a_worker_and_a_node_and_no_video(tmp_path):
    utilities = pytest.importorskip("ray.cluster_utils", reason="needs requirements-batch.txt")
    videos, out = tmp_path / "videos", tmp_path / "out"
    videos.mkdir()
    for number in range(40):
        make_video(videos / f"{number:02}.mp4", frames=12 + number % 3)
    quiet = {"include_dashboard": False, "object_store_memory": 100 << 20}
    cluster = utilities.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **quiet})
    program = None
    try:
        kept, lost = (cluster.add_node(num_cpus=1, object_store_memory=100 << 20) for _ in "ab")
        program = subprocess.Popen(
            command("videos", "--out", "out", "--address", cluster.address),
            cwd=tmp_path,  # which is not that of the cluster
            stderr=subprocess.PIPE,
            text=True,
        )

        def wait(ready):
            end = time.monotonic() + PATIENCE
            while not ready():
                assert program.poll() is None and time.monotonic() < end, program.stderr.read()
                time.sleep(0.05)

        wait(lambda: len(list(out.glob("*.done.json"))) >= 4 and workers(kept))
        os.kill(workers(kept)[0], signal.SIGKILL)
        wait(lambda: len(list(out.glob("*.done.json"))) >= 10 and workers(lost))
        cluster.remove_node(lost, allow_graceful=False)
        _, said = program.communicate(timeout=PATIENCE)
        assert program.returncode == 0, said
    finally:
        if program is not None:
            program.kill()
        cluster.shutdown()
    ends = (".done.json", ".events.csv", ".jsonl")
    every = {f"{number:02}.mp4{end}" for number in range(40) for end in ends}
    assert {path.name for path in out.iterdir()} == every | {"events.csv", "summary.json"}
    for number in range(40):
        lines = (out / f"{number:02}.mp4.jsonl").read_text().splitlines()
        assert [json.loads(line)["frame"] for line in lines] == list(range(12 + number % 3))
        json.loads((out / f"{number:02}.mp4.done.json").read_text())
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["done"], summary["failed"], summary["damaged"]) == (40, {}, {})
