"""Clips in, weights and a page out, through the command: what it learns, and what stops it."""

import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

import pipeline
from apps import video
from apps.cli import run
from apps.teach import main
from models.action.strl import STRL
from models.files import ROOT
from models.training.teaching import course, judge
from pipeline.source import open_source
from tests.apps.processes import launch, wait_for
from tests.clips_of_skeletons import write_clip, write_folder
from tests.pipeline.camera.streams import NetworkCamera
from tests.pipeline.extract.cut import CLIPS, cut


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(course, "SAMPLES", 60)
    monkeypatch.setattr(course, "PUPPETS", 1)
    monkeypatch.setattr(judge, "CHECKS", 24)


def command(monkeypatch, program, *arguments):
    monkeypatch.setattr(sys, "argv", ["teach.py", *map(str, arguments)])
    run(program)


def taught(monkeypatch, capsys, clips, out, *arguments):
    """What the command prints."""
    given = ["--out", out, "--minutes", 0, "--processes", 1, *arguments]
    command(monkeypatch, main, clips, *given)
    return capsys.readouterr()


def refused(monkeypatch, capsys, clips, out, *arguments):
    """The last line on standard error of a command that ends with status 2."""
    with pytest.raises(SystemExit) as stop:
        taught(monkeypatch, capsys, clips, out, *arguments)
    assert stop.value.code == 2
    assert not out.exists()
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    return printed.splitlines()[-1]


@pytest.mark.slow
def test_a_folder_becomes_weights_and_a_page(monkeypatch, capsys, tmp_path):
    clips, out = write_folder(tmp_path / "clips"), tmp_path / "mine.safetensors"
    printed = taught(monkeypatch, capsys, clips, out)
    assert "100% of the clips are recognised (6 of 6" in printed.out
    assert "tried on people that it had not seen" in printed.out
    assert f"{out} can be used already" in printed.err
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "clips",
        "mine.html",
        "mine.safetensors",
    ]
    page = (tmp_path / "mine.html").read_text()
    assert "100% of the clips" in page and "<script" not in page and "://" not in page
    command(monkeypatch, video.main, "--list-actions", "--weights", out)
    assert capsys.readouterr().out == "squat (1 person)\nwave (1 person)\n"
    assert len(list((clips / ".skeletons").glob("*.safetensors"))) == 6

    def again(*_):
        raise AssertionError("every clip is known")

    monkeypatch.setattr("pipeline.extract.workers.extract_all", again)
    assert "100%" in taught(monkeypatch, capsys, clips, out).out


@pytest.mark.slow
def test_labels_are_added_to_the_shipped_ones(monkeypatch, capsys, tmp_path):
    clips, out = tmp_path / "clips", tmp_path / "more.safetensors"
    for number in range(2):
        write_clip(clips / "own squat" / f"{number}.csv", 1, number)
        write_clip(clips / "own wave" / f"{number}.csv", 0, number)
    printed = taught(monkeypatch, capsys, clips, out, "--extend")
    assert "labels of before are kept" in printed.out
    shipped = [label.name for label in STRL.load(pipeline.engine.WEIGHTS).labels]
    assert [label.name for label in STRL.load(out).labels] == [*shipped, "own squat", "own wave"]
    (clips / "walk").mkdir()
    shutil.move(clips / "own wave" / "0.csv", clips / "walk" / "0.csv")
    shutil.move(clips / "own wave" / "1.csv", clips / "walk" / "1.csv")
    out.unlink()
    assert "a label walk already" in refused(monkeypatch, capsys, clips, out, "--extend")


@pytest.mark.slow
def test_what_cannot_be_used_is_left_out_and_said(monkeypatch, capsys, tmp_path):
    clips, out = write_folder(tmp_path / "clips"), tmp_path / "mine.safetensors"
    (clips / "wave" / "broken.mp4").write_bytes(b"no video")
    shutil.copy(clips / "wave" / "anna_0.csv", clips / "squat" / "copy.csv")
    write_clip(clips / "wave" / "short.csv", 0, 50, frames=5)
    write_clip(clips / "one\nclip 🎾" / "anna_0.csv", 1, 60)
    printed = taught(monkeypatch, capsys, clips, out)
    lines = [line for line in printed.err.splitlines() if line.startswith("left out ")]
    assert [line.split(": ")[0].removeprefix("left out ") for line in lines] == [
        "wave/anna_0.csv",
        "squat/copy.csv",
        "wave/broken.mp4",
        "wave/short.csv",
    ]
    assert "one\\nclip 🎾 has one clip, so that it could not be tried" in printed.out
    assert [label.name for label in STRL.load(out).labels] == ["one\\nclip 🎾", "squat", "wave"]
    page = (tmp_path / "mine.html").read_text()
    assert "broken.mp4" in page and "somebody was seen for 0.2 s" in page


@pytest.mark.parametrize(
    ("files", "arguments", "reason"),
    [
        ([], [], "is empty: put clips into it"),
        (["wave/a.mp4"], [], "no clip in"),
        (["a.mp4"], [], "no clip in"),
        (["wave/a.csv"], [], "two clips at least"),
        (["a/b.csv"], ["--minutes", "-1"], "-1 is not between 0 and 10000"),
        (["a/b.csv"], ["--weights", "nowhere.safetensors"], "nowhere.safetensors"),
        ([f"{'é' * 120}{'x' * 10}/a.csv", f"{'é' * 120}{'x' * 10}/b.csv"], [], "two clips"),
    ],
)
def test_mistakes_are_told_in_a_line(monkeypatch, capsys, tmp_path, files, arguments, reason):
    (tmp_path / "clips").mkdir()
    for number, name in enumerate(files[:1] if reason == "two clips" else files):
        path = tmp_path / "clips" / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".csv":
            write_clip(path, 0, number)
        else:
            path.write_text("nothing of the kind")
    out = tmp_path / "mine.safetensors"
    assert reason in refused(monkeypatch, capsys, tmp_path / "clips", out, *arguments)


def test_the_weights_have_a_suffix_and_labels_an_end(monkeypatch, capsys, tmp_path):
    clips = tmp_path / "clips"
    for number in range(2):
        write_clip(clips / "a" / f"{number}.csv", 0, number)
    wrong = refused(monkeypatch, capsys, clips, tmp_path / "mine.pth")
    assert "must be a file that ends in .safetensors" in wrong
    listed = tmp_path / "list.csv"
    rows = [f"clips/a/{n}.csv,{'x' * 201}\n" for n in range(2)]
    listed.write_text("".join(rows))
    assert "over 200 characters" in refused(monkeypatch, capsys, listed, tmp_path / "m.safetensors")


@pytest.mark.slow
def test_a_list_and_a_label_with_a_slash(monkeypatch, capsys, tmp_path):
    folder = write_folder(tmp_path / "clips")
    rows = [f"{path},{path.parent.name}/own\n" for path in sorted(folder.glob("*/*.csv"))]
    (tmp_path / "list.csv").write_text("".join(rows))
    out = tmp_path / "mine.safetensors"
    taught(monkeypatch, capsys, tmp_path / "list.csv", out)
    assert [label.name for label in STRL.load(out).labels] == ["squat/own", "wave/own"]


@pytest.mark.slow
def test_real_footage_is_learnt_and_named_by_the_video_program(monkeypatch, capsys, tmp_path):
    clips, out = tmp_path / "clips", tmp_path / "mine.safetensors"
    for number, start in enumerate((0.2, 1.3)):
        walk = clips / "stroll" / f"{number}.mp4"
        cut(CLIPS / "walk.mp4", walk, start, start + 1.4, mirrored=number == 1)
        jump = clips / "star jump" / f"{number}.mp4"
        cut(CLIPS / "two_people.mp4", jump, 0, 1.3, dropped=lambda k: k % 2, mirrored=number == 1)
    (clips / "empty" / "x.mp4").parent.mkdir()
    cut(None, clips / "empty" / "x.mp4", images=[grey() for _ in range(30)])
    printed = taught(monkeypatch, capsys, clips, out)
    assert "left out empty/x.mp4: nobody was found in it" in printed.err
    assert "100% of the clips are recognised (4 of 4" in printed.out
    assert "data:image/jpeg" in (tmp_path / "mine.html").read_text()
    events = tmp_path / "events.csv"
    walk = CLIPS / "walk.mp4"
    command(monkeypatch, video.main, walk, "--weights", out, "--no-video", "--events", events)
    assert "stroll" in events.read_text() and "star jump" not in events.read_text()


@pytest.mark.slow
def test_after_ctrl_c_the_same_command_need_not_extract_again(tmp_path):
    clips, out = write_folder(tmp_path / "clips"), tmp_path / "mine.safetensors"
    program = [sys.executable, "-m", "apps.teach", clips, "--out", out, "--processes", "1"]
    with subprocess.Popen(
        program, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        said = ""
        for line in process.stderr:
            said += line
            if "100%" in line and process.poll() is None:
                process.send_signal(signal.SIGINT)
    assert process.returncode == 130 and "Traceback" not in said
    assert "the same command goes on where it was" in said
    assert len(list((clips / ".skeletons").rglob("*.safetensors"))) == 6


def crowd():
    """Twenty people in two rows, for 0.8 s: copies of one who jumps."""
    with open_source(CLIPS / "two_people.mp4", max_seconds=0.8) as source:
        return [np.tile(frame.image[40:360, 380:560], (2, 10, 1)) for frame in source]


@pytest.mark.slow
def test_of_twenty_people_it_is_told_who_was_followed(monkeypatch, capsys, tmp_path):
    clips, out = write_folder(tmp_path / "clips"), tmp_path / "mine.safetensors"
    cut(None, clips / "squat" / "crowd.mp4", width=1800, images=crowd())
    printed = taught(monkeypatch, capsys, clips, out)
    (line,) = (line for line in printed.err.splitlines() if "crowd.mp4" in line)
    assert re.fullmatch(
        r"note on squat/crowd.mp4: of \d+ people, the largest who move were taken: "
        "one (on the left|in the middle|on the right)",
        line,
    )
    assert line.removeprefix("note on squat/crowd.mp4: ") in (tmp_path / "mine.html").read_text()


@pytest.mark.slow
def test_ctrl_c_while_extracting_costs_one_clip(monkeypatch, tmp_path):
    clips, out = tmp_path / "clips", tmp_path / "mine.safetensors"
    for number in range(2):
        clip = clips / "stroll" / f"{number}.mp4"
        cut(CLIPS / "walk.mp4", clip, 0.3 * number, 0.3 * number + 0.7, width=320)
    # The long one is begun last, and is under way when the others are done.
    cut(CLIPS / "two_people.mp4", clips / "wave" / "long.mp4", 0, 8)
    process = launch("teach", clips, "--out", out, "--processes", 1)
    wait_for(lambda: len(list((clips / ".skeletons").glob("*.safetensors"))) == 2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130
    assert printed.endswith("stopped; the same command goes on where it was\n")
    assert "Traceback" not in printed and not out.exists()
    missing = []

    def count(clips, *_):
        missing.extend(path.name for path in clips.values())
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.extract.workers.extract_all", count)
    with pytest.raises(SystemExit):
        command(monkeypatch, main, clips, "--out", out)
    assert missing == ["long.mp4"]


class KeepingScreen:
    """A window before which somebody does the first take again, keeps the second, and leaves."""

    def __init__(self, source, mirrored, keys, with_panel):
        assert not with_panel and not mirrored
        self.keys, self.presses, self.views = keys, ["d", "k"], []
        self.closed = self.paused = False
        KeepingScreen.last = self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def show(self, view):
        self.views.append(view)
        if view.words and "keeps it" in view.words[0]:
            self.keys[self.presses.pop(0)]()
        self.closed = not self.presses

    def wait(self):
        pass


@pytest.fixture
def recorded(monkeypatch, capsys, tmp_path):
    """Records takes of somebody who strolls, and returns what is printed, and the clips."""
    monkeypatch.setattr("pipeline.camera.takes.COUNTDOWN", 0.3)
    monkeypatch.setattr("pipeline.camera.screen.Screen", KeepingScreen)

    def call(*arguments):
        given = ["--record", "stroll", "--seconds", 0.5, "--source", CLIPS / "walk.mp4"]
        command(monkeypatch, main, tmp_path / "clips", *given, *arguments)
        return capsys.readouterr().err, list((tmp_path / "clips" / "stroll").iterdir())

    return call


@pytest.mark.slow
def test_takes_are_recorded_hands_free(recorded, tmp_path):
    printed, clips = recorded("--takes", 1, "--headless")
    assert [clip.suffix for clip in clips] == [".mp4"]
    assert f"1 of 1 takes are in {tmp_path / 'clips' / 'stroll'}" in printed
    assert f"teach by: python apps/teach.py {tmp_path / 'clips'} --out mine" in printed


@pytest.mark.slow
def test_takes_are_chosen_in_the_window_and_leaving_it_ends_all(recorded, tmp_path):
    printed, clips = recorded("--takes", 2, "--out", tmp_path / "mine.safetensors")
    assert [clip.suffix for clip in clips] == [".mp4"]
    screen = KeepingScreen.last
    assert screen.presses == [] and screen.closed
    assert any(view.recording and view.result.people for view in screen.views)
    assert "1 of 2 takes are in" in printed
    assert printed.endswith(f"{tmp_path / 'clips'} --out {tmp_path / 'mine.safetensors'}\n")


@pytest.mark.slow
def test_takes_are_taught_with_out_and_ctrl_c_ends_that(monkeypatch, capsys, recorded, tmp_path):
    def interrupted(clips, out, **_):
        assert list((clips / "stroll").iterdir())
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("pipeline.teaching.folder.teach", interrupted)
    with pytest.raises(SystemExit) as stop:
        recorded("--takes", 1, "--headless", "--out", tmp_path / "mine.safetensors")
    assert stop.value.code == 130
    assert "1 of 1 takes are in" in capsys.readouterr().err


@pytest.mark.slow
def test_takes_outlive_a_lost_camera_and_ctrl_c(tmp_path):
    given = ["--record", "🎾 two", "--seconds", 0.5, "--headless"]
    with NetworkCamera(CLIPS / "two_walkers.mp4") as camera:
        process = launch("teach", tmp_path / "clips", *given, "--source", camera.url)
        folder = tmp_path / "clips" / "🎾 two"
        kept = wait_for(lambda: list(folder.glob("take*[0-9].mp4")))
        camera.unplug()
        assert "trying again" in wait_for_line(process.stderr, "trying again")
        os.killpg(process.pid, signal.SIGINT)
        _, printed = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in printed
    assert f"{len(kept)} of 10 takes are in {folder}" in printed
    assert list(folder.iterdir()) == kept
    with open_source(kept[0]) as clip:
        assert sum(1 for _ in clip) >= 5


def wait_for_line(stream, words):
    """The next line of a stream with these words in it."""
    return next(line for line in stream if words in line)


def test_what_stops_takes_is_told_in_a_line(monkeypatch, capsys, tmp_path):
    for arguments, reason in (
        (["--record", "a/b"], "cannot be a folder's name"),
        (["--record", "two\nlines"], "'two\\\\nlines' cannot be a folder's name"),
        (["--record", "x" * 201], "over 200 characters"),
        (["--record", "🎾" * 64, "--source", CLIPS / "walk.mp4"], "cannot make the folder"),
        (["--record", "wave", "--source", tmp_path / "no.mp4"], "no.mp4"),
        (["--record", "wave", "--source", "99"], "camera 99"),
        (["--record", "wave", "--seconds", "0"], "0 is not between"),
        (["--record", "wave", "--takes", "0"], "0 is not between"),
        (["--record", "wave", "--out", "mine.pth"], "must be a file that ends in .safetensors"),
        ([], "--out is needed, unless takes are recorded by --record"),
    ):
        with pytest.raises(SystemExit) as stop:
            command(monkeypatch, main, tmp_path / "clips", *arguments)
        printed = capsys.readouterr().err
        assert stop.value.code == 2 and reason in printed and "Traceback" not in printed
        assert len(printed.splitlines()) == 1
    assert not list(tmp_path.glob("clips/*"))


def grey():
    return np.full((240, 320, 3), 120, np.uint8)


def test_it_can_be_called_from_python():
    assert pipeline.teach.__module__ == "pipeline.teaching.folder"
