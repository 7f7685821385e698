"""Outputs that cannot be written, and ends at any moment."""

import json
import os
import signal
import subprocess
import time

import pytest

from pipeline.source import open_source
from tests.faults import programs
from tests.pipeline.videos import CLIPS

WALK, TWO = CLIPS / "walk.mp4", CLIPS / "two_people.mp4"
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.name == "nt", reason="signals and disks of Unix"),
]


def frames_of(path):
    """The number of frames that can be read; the last fragment may be cut."""
    with open_source(path) as source:
        return sum(1 for _ in source)


def grown(path, size, process):
    """Wait until a file has a size, while a program runs."""
    while process.poll() is None and not (path.exists() and path.stat().st_size > size):
        time.sleep(0.02)
    assert process.poll() is None, process.stderr.read()


@pytest.mark.parametrize("left", [0, 4096, 60_000, 300_000])
def test_a_full_disk_is_a_clear_line_and_earlier_outputs_stay(tmp_path, left):
    disk = tmp_path / "disk"
    earlier = {"out.mp4": "a video", "out.jsonl": "lines", "out.csv": "events"}
    programs.before(disk).mkdir()
    for name, text in earlier.items():
        (programs.before(disk) / name).write_text(text)
    outputs = ["--out", "out.mp4", "--json", "out.jsonl", "--events", "out.csv"]
    line = programs.command("video.py", WALK, *outputs)
    ended = programs.run_on_full_disk(line, disk, "1m", left)
    assert ended.kind == "clear line" and ended.status == 2, ended
    assert "No space left on device" in ended.lines[-1]
    for name, text in earlier.items():
        assert (programs.after(disk) / name).read_text() == text
    parts = {path.name for path in programs.after(disk).iterdir()} - {*earlier, "filler"}
    assert all(part in ended.lines[-1] for part in parts)
    if left == 300_000:
        assert frames_of(programs.after(disk) / "out.partial.mp4") > 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_the_part_that_is_done_and_says_where(tmp_path, number):
    line = programs.command("video.py", TWO, "--out", tmp_path / "out.mp4")
    partial = tmp_path / "out.partial.mp4"
    with subprocess.Popen(
        line, env=programs.environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        grown(partial, 20_000, process)
        process.send_signal(number)
        ended = programs.wait(process)
    assert ended.status == 128 + number and ended.kind == "clear line", ended
    assert ended.lines == [f"stopped; what was done is in {partial}"]
    assert list(tmp_path.iterdir()) == [partial]
    assert 0 < frames_of(partial) < 170


def test_the_part_of_a_killed_program_plays(tmp_path):
    line = programs.command("video.py", TWO, "--out", tmp_path / "out.mp4")
    partial = tmp_path / "out.partial.mp4"
    with subprocess.Popen(line, env=programs.environment(), stderr=subprocess.PIPE) as process:
        grown(partial, 20_000, process)
        process.kill()
    assert list(tmp_path.iterdir()) == [partial]
    assert frames_of(partial) > 0


@pytest.mark.parametrize(
    ("door", "arguments"),
    [
        ("video.py", ["--list-actions"]),
        ("webcam.py", ["--list-actions"]),
        ("video.py", ["--help"]),
        ("video.py", [WALK, "--no-video", "--max-seconds", "0.2", "--json", "-"]),
    ],
)
@pytest.mark.parametrize("stream", ["pipe", "disk", "closed"])
def test_standard_output_that_cannot_be_written(door, arguments, stream):
    line = programs.command(door, *arguments)
    if stream == "closed":
        ended = programs.run(["sh", "-c", 'exec "$0" "$@" >&-', *line])
        assert ended.kind == ("clear line" if "-" in arguments else "whole"), ended
        return
    if stream == "pipe":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open("/dev/full", os.O_WRONLY)
    try:
        ended = programs.run(line, stdout=writer)
    finally:
        os.close(writer)
    assert ended.kind == "clear line", ended
    assert ended.lines[-1].startswith("error: cannot write standard output: ")


@pytest.mark.parametrize("closing", ["2>&-", "<&- 2>&-", "2>/dev/full"])
def test_messages_that_nobody_can_read_do_not_end_the_work(tmp_path, closing):
    out = tmp_path / "out.mp4"
    line = programs.command("video.py", WALK, "--max-seconds", 0.2, "--out", out)
    assert programs.run(["sh", "-c", f'exec "$0" "$@" {closing}', *line]).status == 0
    assert frames_of(out) == 6


@pytest.mark.parametrize("door", ["video.py", "webcam.py"])
def test_ctrl_c_ends_a_program_whose_reader_does_not_read(tmp_path, door):
    source = {"video.py": [TWO, "--no-video"], "webcam.py": ["--source", TWO, "--headless"]}[door]
    line = programs.command(door, *source, "--json", "-")
    with subprocess.Popen(
        line,
        env=programs.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        first = process.stdout.readline()
        assert json.loads(first)["frame"] == 0
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        reader = process.stdout
        process.stdout = None  # nobody reads on
        ended = programs.wait(process)
        reader.close()
    # Both may have written everything before they were stopped, on a machine that is fast.
    assert ended.kind in ("whole", "clear line"), ended


def test_two_programs_with_one_output_both_write_it_whole(tmp_path):
    out = tmp_path / "out.mp4"
    line = programs.command("video.py", WALK, "--max-seconds", 1, "--out", out)
    both = [
        subprocess.Popen(line, env=programs.environment(), stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        assert programs.wait(process).status == 0
        assert frames_of(out) == 30
    assert list(tmp_path.iterdir()) == [out]
