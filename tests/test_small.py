"""The small set-up: the live programs, with all hidden that it leaves out."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions

import numpy as np
import pytest

from apps.missing import say_what_is_missing
from tests.faults import programs
from tests.pipeline.videos import CLIPS
from tests.test_requirements import ROOT, pins

HIDE = "import sys\nsys.modules.update(dict.fromkeys({names!r}))\n"
"""A `sitecustomize` after which these names cannot be imported."""
SECONDS = 1.5


@cache
def left_out(*lists):
    """Names to import of the packages that are in none of these lists of requirements."""
    kept = set().union(*map(pins, lists))
    every = pins("requirements.in").keys() - kept
    names = packages_distributions().items()
    plain = {name: {re.sub("[-_.]+", "-", d).lower() for d in found} for name, found in names}
    return sorted(name for name, found in plain.items() if found <= every)


@pytest.fixture
def run(tmp_path):
    """Runs a program where only the packages of these lists can be imported."""

    def run(command, *lists):
        hidden = left_out(*lists) if lists else []
        assert not lists or {"torch", "mmpose", "scipy", "onnx", "safetensors"} <= set(hidden)
        (tmp_path / "sitecustomize.py").write_text(HIDE.format(names=hidden))
        environment = programs.environment(LIVE_ACTION_RECOGNITION_CACHE=str(tmp_path / "cache"))
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(tmp_path), str(ROOT), os.environ.get("PYTHONPATH")])
        )
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    return run


CAMERA = ("--source", CLIPS / "walk.mp4", "--headless", "--json", "-")
PAGE = "from apps.web import Networks; Networks()"
SMALL = ("requirements-small.in",)
WEB = (*SMALL, "requirements-web.in")


@pytest.mark.slow
def test_a_video_is_annotated_as_by_all_that_there_is(run, tmp_path):
    found = []
    for lists in ((), SMALL):
        line = (CLIPS / "walk.mp4", "--out", "a.mp4", "--json", "a.jsonl")
        done = run(programs.command("video.py", *line, "--max-seconds", SECONDS), *lists)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "a.mp4").stat().st_size > 10_000
        found.append([json.loads(text) for text in (tmp_path / "a.jsonl").open()])
    full, small = found
    assert len(full) == len(small) > 30
    for ours, theirs in zip(full, small, strict=True):
        assert numbers(theirs)[0] == numbers(ours)[0], "but for its numbers"
        np.testing.assert_allclose(numbers(theirs)[1], numbers(ours)[1], atol=1e-3)
    assert not (tmp_path / "cache").exists(), "nothing is exported"


def numbers(value):
    """A JSON value's text with its fractions left out, and these."""
    text, fraction = json.dumps(value), r"-?\d+\.\d+(?:e-?\d+)?"
    return re.sub(fraction, "", text), np.array(re.findall(fraction, text), float)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "lists"),
    [
        (programs.command("video.py", "--list-actions"), SMALL),
        (programs.command("webcam.py", *CAMERA), SMALL),
        ([sys.executable, "-c", PAGE], WEB),
    ],
    ids=["list", "webcam", "web"],
)
def test_the_other_live_programs_run(run, command, lists):
    done = run(command, *lists)
    assert done.returncode == 0, done.stderr


VIDEO = ("video.py", CLIPS / "walk.mp4", "--out", "a.mp4")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ((*VIDEO, "--pose", "rtmpose-s"), "run make setup "),
        ((*VIDEO, "--device", "cuda"), "run make setup "),
        ((*VIDEO, "--weights", "mine.safetensors"), "weights/export.py"),
        (("teach.py", ".", "--out", "taught.safetensors"), "run make setup "),
        (("extract.py", ".", "--out", "mine.pkl"), "run make setup "),
        (("evaluate.py", "mine.safetensors", "--data", "a", "--split", "b"), "run make setup "),
        (("web.py",), "run make setup-web "),
    ],
    ids=["pose", "cuda", "weights", "teach", "extract", "evaluate", "web"],
)
def test_what_needs_more_says_in_one_line_what_to_install(run, tmp_path, line, said):
    shutil.copy(ROOT / "weights" / "strl.safetensors", tmp_path / "mine.safetensors")
    done = run(programs.command(*line), *SMALL)
    assert done.returncode == 2 and not done.stdout
    (message,) = done.stderr.splitlines()
    assert message.startswith("error: ") and said in message


def test_our_own_mistakes_keep_their_traceback(capsys):
    for error in (ModuleNotFoundError("No", name="models.none"), ImportError(), KeyError("torch")):
        say_what_is_missing(type(error), error, None)
        assert type(error).__name__ in capsys.readouterr().err


def test_the_containerfile_copies_what_is_there_and_installs_the_small_lists():
    steps = (ROOT / "Containerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", steps, re.M) for name in line.split()]
    assert {"apps", "models", "pipeline", "weights"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    (lists,) = re.findall(r"--require-hashes (.*)", steps)
    assert lists == "-r requirements-small.txt -r requirements-web.txt"
    assert {name for name in copied if name.startswith("requirements")} == set(lists.split()) - {
        "-r"
    }
