"""Teaching in a process of its own: what it tells, what it writes, and how it ends."""

import sys
import threading

import numpy as np
import pytest

from models.data import annotations
from models.data.annotations import Example
from models.errors import UserError
from models.runtime.compiled import CompiledSTRL
from pipeline.extract.dataset import assemble
from pipeline.teaching import apart
from pipeline.teaching.apart import Learnt, Teacher
from tests.models.training.teaching.tiny import tiny_base
from tests.pipeline.web.lessons import SQUAT, WAVE, skeletons


@pytest.fixture
def scripted(tmp_path, monkeypatch):
    """Puts a shell script in the place of the process."""

    def make(script):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(path))
        return Teacher(tmp_path / "a.pkl", tmp_path / "a.safetensors", "base", 0)

    return make


def test_stages_and_results_come_as_they_are_told(scripted):
    teacher = scripted(
        """echo noise >&2; echo '"looking"'; echo '{"summary": "80 %", "page": ""}'"""
    )
    assert list(teacher.messages()) == ["looking", Learnt("80 %", "")]


def test_a_mistake_of_the_user_comes_back_as_it_was_said(scripted):
    with pytest.raises(UserError, match=r"^record more$"):
        list(scripted("echo 'error: record more' >&2; exit 2").messages())
    with pytest.raises(UserError, match="teaching failed: it was killed by SIGKILL"):
        list(scripted("kill -9 $$").messages())


def test_it_is_ended_at_any_moment(scripted):
    teacher = scripted("""echo '"looking"'; exec sleep 60""")
    messages = teacher.messages()
    assert next(messages) == "looking"
    threading.Timer(0.05, teacher.stop).start()
    with pytest.raises(UserError, match="SIGKILL"):
        next(messages)
    stopped = scripted("exec sleep 60")
    stopped.stop()
    with pytest.raises(UserError, match="SIGKILL"):
        list(stopped.messages())


def test_it_is_ended_when_it_takes_too_long(scripted, monkeypatch):
    monkeypatch.setattr(apart, "GRACE", 0.1)
    with pytest.raises(UserError, match="took too long"):
        list(scripted("exec sleep 60").messages())


@pytest.mark.slow
def test_a_data_set_becomes_weights_and_a_graph(tmp_path):
    takes = [
        Example(f"{label}/{number}", label, skeletons(action, number))
        for label, action in (("wave", WAVE), ("squat", SQUAT))
        for number in range(3)
    ]
    data = assemble(takes)
    annotations.write(tmp_path / "takes.pkl", data.annotations, data.classes, "own")
    base, out = tiny_base(tmp_path / "base.safetensors"), tmp_path / "mine.safetensors"
    told = list(Teacher(tmp_path / "takes.pkl", out, base, 0).messages())
    assert "new head" in told[0]
    assert len(told) == 2 and "of the clips are recognised" in told[1].summary
    assert "let others act" in told[1].page and "<table>" in told[1].page
    network = CompiledSTRL.from_graph(out.with_suffix(".onnx").read_bytes())
    assert [label.name for label in network.labels] == ["squat", "wave"]
    shape = 1, 2, 64, 17
    answer = network.answer(np.zeros((*shape, 2), np.float32), np.ones(shape, bool))
    assert answer.shape == (1, 3) and answer.sum() == pytest.approx(1, abs=1e-4)
    assert sorted(file.suffix for file in tmp_path.glob("mine*")) == [".onnx", ".safetensors"]
