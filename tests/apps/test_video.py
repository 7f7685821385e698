import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from apps.cli import run
from apps.video import main

CLIPS = Path(__file__).parents[1] / "data"
WALK = CLIPS / "walk.mp4"


def video(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["video.py", *map(str, arguments)])
    run(main)


def refused(monkeypatch, capsys, *arguments):
    """The one line that a mistake is answered with."""
    with pytest.raises(SystemExit) as stop:
        video(monkeypatch, *arguments)
    assert stop.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not is_progress(line)]
    assert len(lines) == 1
    return lines[0]


def is_progress(line):
    return not line or "%|" in line or line.startswith("wrote ")


@pytest.fixture(scope="module")
def annotated(tmp_path_factory):
    """The bundled walk, through the command as a user runs it."""
    folder = tmp_path_factory.mktemp("walk")
    command = [sys.executable, "apps/video.py", WALK, "--out", folder / "out.mp4"]
    command += ["--json", folder / "out.jsonl", "--events", folder / "out.csv"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return folder


def test_the_video_is_whole_and_keeps_its_sound(annotated):
    assert {path.name for path in annotated.iterdir()} == {"out.mp4", "out.jsonl", "out.csv"}
    with av.open(str(WALK)) as before, av.open(str(annotated / "out.mp4")) as after:
        assert after.streams.video[0].codec_context.name == "h264"
        assert len(after.streams.audio) == len(before.streams.audio) == 1
        old = [frame.to_ndarray(format="bgr24") for frame in before.decode(video=0)]
        new = [frame.to_ndarray(format="bgr24") for frame in after.decode(video=0)]
    assert len(new) == len(old)
    drawn = [np.abs(a.astype(int) - b).max(axis=2) > 60 for a, b in zip(old, new, strict=True)]
    assert np.mean([mask.any() for mask in drawn]) > 0.9


def test_every_frame_has_its_line(annotated):
    lines = [json.loads(line) for line in (annotated / "out.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(120))
    assert {len(line["people"]) for line in lines[5:]} == {1}
    assert {person["id"] for line in lines for person in line["people"]} == {1}
    labels = [action["label"] for line in lines[30:] for action in line["actions"]]
    assert labels.count("walk") > 0.8 * len(labels)


def test_the_walk_is_an_event(annotated):
    rows = list(csv.DictReader((annotated / "out.csv").open()))
    walks = [row for row in rows if row["label"] == "walk"]
    assert len(walks) == 1 and walks[0]["who"] == "1"
    assert float(walks[0]["end"]) - float(walks[0]["start"]) > 2


def test_no_video_stride_and_length(monkeypatch, tmp_path):
    lines = tmp_path / "out.jsonl"
    video(
        *(monkeypatch, WALK, "--no-video", "--json", lines),
        *("--stride", 5, "--max-seconds", 1, "--people", 3, "--quality", "accurate"),
    )
    assert [json.loads(line)["frame"] for line in lines.open()] == list(range(0, 30, 5))
    assert list(tmp_path.iterdir()) == [lines]


def test_the_actions_can_be_listed(monkeypatch, capsys):
    video(monkeypatch, "--list-actions")
    listed = capsys.readouterr().out.splitlines()
    assert "walk (1 person)" in listed and "hug (2 people)" in listed


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "name a video"),
        ((WALK,), "--out"),
        ((WALK, "--no-video"), "--json or --events"),
        ((WALK, "--out", "{tmp}/a.mp4", "--no-video"), "exclude each other"),
        ((WALK, "--out", "{tmp}/a.mp4", "--people", "0"), "between 1 and 100"),
        ((WALK, "--out", "{tmp}/a.mp4", "--confidence", "2"), "between 0 and 1"),
        ((WALK, "--out", "{tmp}/a.mp4", "--stride", "0"), "stride"),
        (("{tmp}/none.mp4", "--out", "{tmp}/a.mp4"), "no such file"),
        (("{tmp}", "--out", "{tmp}/a.mp4"), "folder"),
        ((CLIPS / "README.md", "--out", "{tmp}/a.mp4"), "not a video"),
        ((WALK, "--out", "{tmp}/none/a.mp4"), "cannot write"),
        ((WALK, "--out", "{tmp}"), "folder"),
        ((WALK, "--out", WALK), "is the input"),
        ((WALK, "--out", "{tmp}/a.mp4", "--pose", "hrnet-of-mine"), "unknown pose model"),
        ((WALK, "--out", "{tmp}/a.mp4", "--weights", "{tmp}/none"), "cannot read"),
        ((WALK, "--out", "{tmp}/a.mp4", "--weights", WALK), "cannot read"),
        ((WALK, "--out", "{tmp}/a.mp4", "--pose-config", "x.py"), "checkpoint"),
        ((WALK, "--out", "{tmp}/a.mp4", "--device", "quantum"), "quantum"),
    ],
)
def test_a_mistake_gets_one_line_and_leaves_nothing(
    monkeypatch, capsys, tmp_path, arguments, reason
):
    arguments = [str(argument).replace("{tmp}", str(tmp_path)) for argument in arguments]
    assert reason in refused(monkeypatch, capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_video_is_done_as_far_as_it_goes(monkeypatch, capsys, tmp_path):
    cut, out = tmp_path / "cut.mp4", tmp_path / "out.mp4"
    remux_with_index_first(WALK, cut)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size * 2 // 3])
    assert "damaged" in refused(monkeypatch, capsys, cut, "--out", out)
    with av.open(str(out)) as container:
        assert 40 < sum(1 for _ in container.decode(video=0)) < 110


def remux_with_index_first(source, target):
    with (
        av.open(str(source)) as before,
        av.open(str(target), "w", options={"movflags": "+faststart"}) as after,
    ):
        stream = before.streams.video[0]
        copy = after.add_stream_from_template(stream)
        for packet in before.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                after.mux(packet)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_keeps_the_part_that_is_done(tmp_path):
    out = tmp_path / "out.mp4"
    process = subprocess.Popen(
        [sys.executable, "apps/video.py", WALK, "--out", out],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    )
    partial = tmp_path / "out.partial.mp4"
    while process.poll() is None and not (partial.exists() and partial.stat().st_size > 20_000):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130, errors
    assert "Traceback" not in errors and str(partial) in errors
    assert list(tmp_path.iterdir()) == [partial]
    with av.open(str(partial)) as container:
        assert 0 < sum(1 for _ in container.decode(video=0)) < 120
