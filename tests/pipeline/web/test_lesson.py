"""A visitor's lesson, with a camera and a teacher that stand in for the real ones."""

import threading
import time
from types import SimpleNamespace
from typing import ClassVar

import pytest

from models.data import pyskl
from models.errors import UserError
from pipeline.panel import Observer
from pipeline.teaching.apart import Learnt
from pipeline.web import lesson as room
from pipeline.web.jobs import Jobs
from pipeline.web.lesson import Lesson
from pipeline.web.quotas import Quotas
from tests.pipeline.web.lessons import SQUAT, WAVE, keypoints, result, skeletons

NETWORKS = SimpleNamespace(weights="base.safetensors")


class Camera:
    """Sees somebody who waves or squats, or nobody, at 15 pictures a second."""

    def __init__(self, networks, settings, actions=None):
        self.actions, self.last, self.time, self.number = actions, time.monotonic(), 0.0, 0
        self._observer = Observer(["wave"], 0.25)

    def process(self, url):
        poses = {"wave": keypoints(WAVE), "squat": keypoints(SQUAT)}
        pose = poses[url][self.number % 45] if url in poses else None
        seen = result(self.number, self.time, pose)
        self.number, self.time = self.number + 1, self.time + 1 / 15
        return seen, self._observer.update(seen), 0.25


class Taught:
    """The classifier of a lesson."""

    def __init__(self, graph):
        self.graph = graph
        self.labels = [SimpleNamespace(name=name) for name in ("squat", "wave")]

    @classmethod
    def from_graph(cls, graph):
        return cls(graph)


class Teacher:
    """Says what it does, and has learnt when it is let go."""

    seen: ClassVar = []  # the labels of the data that it got
    go = threading.Event()

    def __init__(self, data, out, weights, minutes, extend):
        self.data, self.out, self.stopped = data, out, False
        assert weights == NETWORKS.weights

    def messages(self):
        Teacher.seen.append(sorted({clip.label for clip in pyskl.read(self.data).clips.values()}))
        yield "looking"
        self.out.with_suffix(".teaching").mkdir()
        self.out.write_bytes(b"weights")
        self.out.with_suffix(".onnx").write_bytes(b"graph")
        yield Learnt("80% are recognised", "<p>more</p>")
        assert Teacher.go.wait(30)
        if self.stopped:
            raise UserError("teaching failed: it was killed")

    def stop(self):
        self.stopped = True
        Teacher.go.set()


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch):
    monkeypatch.setattr(room, "LiveView", Camera)
    monkeypatch.setattr(room, "CompiledSTRL", Taught)
    monkeypatch.setattr(room, "Teacher", Teacher)
    monkeypatch.setattr(Teacher, "seen", [])
    monkeypatch.setattr(Teacher, "go", threading.Event())


@pytest.fixture
def make(tmp_path):
    """Makes lessons of several visitors, who share the queues."""
    videos, lessons = Jobs(Quotas()), Jobs(Quotas(), "lesson")

    def begin(session="a"):
        lesson = Lesson(session, NETWORKS, videos, lessons, tmp_path / session)
        lesson.start_live()
        return lesson

    return begin


def look(lesson, seen, label=None, pictures=1):
    looks = [lesson.look(seen, label) for _ in range(pictures)]
    return looks[-1]


def record(lesson, label, pictures=30):
    assert look(lesson, label, label, pictures).seconds == pytest.approx((pictures - 1) / 15)
    return look(lesson, label)


def full(lesson):
    for label, action in (("wave", WAVE), ("squat", SQUAT)):
        for seed in range(2):
            lesson.takes.add(label, skeletons(action, seed))
    return lesson


def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def finish(lesson):
    until(lambda: lesson.work is None)


def test_a_take_lasts_as_long_as_pictures_are_for_it(make):
    lesson = make()
    assert look(lesson, "wave", pictures=5).seconds is None
    ended = record(lesson, "wave")
    assert ended.kept and ended.note == "kept a take of wave, 1.9 s"
    record(lesson, "squat")
    takes = lesson.takes.by_label()
    assert {label: len(found) for label, found in takes.items()} == {"wave": 1, "squat": 1}
    assert takes["wave"][0].skeletons.keypoints.shape == (1, 30, 17, 3)


@pytest.mark.parametrize(
    ("label", "seen", "why"),
    [
        ("wave", "nobody", "the take was not kept: nobody was found in it"),
        (" ", "wave", "name the action first"),
        ("x" * 61, "wave", "60 characters"),
    ],
)
def test_what_is_no_take_is_said_and_the_camera_goes_on(make, label, seen, why):
    lesson = make()
    notes = [look(lesson, seen, label, 10).note, look(lesson, seen).note]
    assert any(why in note for note in notes if note)
    assert not lesson.takes.all() and look(lesson, seen).note is None


def test_a_take_ends_at_its_longest_even_if_the_button_is_held(make, monkeypatch):
    monkeypatch.setattr(room, "MAX_SECONDS", 2.0)
    lesson = make()
    looks = [lesson.look("wave", "wave") for _ in range(60)]
    assert [one.note[:19] for one in looks if one.note] == ["kept a take of wave"]
    assert lesson.takes.all()[0].seconds == pytest.approx(2, abs=0.1)
    assert looks[-1].seconds is None and look(lesson, "wave").note is None
    assert len(lesson.takes.all()) == 1
    assert record(lesson, "wave", 20).kept, "the next one can be recorded"


def test_a_take_is_not_kept_over_a_pause_of_the_camera(make):
    lesson = make()
    look(lesson, "wave", "wave", 20)
    lesson._view.time += 10
    assert "the camera had stopped" in lesson.look("wave", "wave").note
    assert look(lesson, "wave").note is None and not lesson.takes.all()


def test_what_is_taught_is_used_while_the_training_goes_on(make):
    lesson = full(make())
    look(lesson, "wave")
    lesson.teach(2, extend=False)
    until(lambda: lesson.learnt is not None)
    assert lesson.work is not None and lesson.work.share < 1
    assert lesson.labels == ["squat", "wave"] and lesson.weights.read_bytes() == b"weights"
    lesson.start_live()
    assert lesson._view.actions.graph == b"graph", "the camera names them already"
    with pytest.raises(UserError, match="one thing at a time"):
        lesson.teach(0, extend=False)
    Teacher.go.set()
    finish(lesson)
    assert Teacher.seen == [["squat", "wave"]] and lesson.said == []
    left = {file.suffix for file in lesson.weights.parent.iterdir()}
    assert left == {".safetensors", ".onnx"}, "what it was taught from is not kept"


def test_it_can_be_stopped_and_keeps_what_it_knows(make):
    lesson = full(make())
    lesson.teach(2, extend=False)
    until(lambda: lesson.learnt is not None)
    lesson.stop()
    finish(lesson)
    assert lesson.said == ["stopped: what was learnt until then is kept"]
    assert lesson.weights.exists()


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ([], "nothing to teach yet"),
        (["nothing", "nothing"], "nothing to teach yet"),
        (["wave"], "wave has one take"),
        (["wave", "wave", "squat"], "squat has one take"),
    ],
)
def test_too_few_takes_are_told_at_once(make, labels, why):
    lesson = make()
    for label in labels:
        lesson.takes.add(label, skeletons())
    with pytest.raises(UserError, match=why):
        lesson.teach(0, extend=False)
    with pytest.raises(UserError, match="minutes"):
        full(lesson).teach(100, extend=False)


def test_lessons_take_turns_and_do_not_mix(make):
    first, second = full(make("a")), make("b")
    for label in ("kick", "bow"):
        for seed in range(2):
            second.takes.add(label, skeletons(seed=seed))
    first.teach(0, extend=False)
    until(lambda: first.learnt is not None)
    second.teach(0, extend=False)
    until(lambda: second.work is not None and "waiting for 1 other" in second.work.words)
    assert second.learnt is None and not second.labels
    Teacher.go.set()
    finish(first)
    finish(second)
    assert Teacher.seen == [["squat", "wave"], ["bow", "kick"]]
    assert first.weights.parent.parent != second.weights.parent.parent
    assert list(first.takes.by_label()) == ["wave", "squat"]


def test_who_leaves_takes_everything_along(make, tmp_path):
    lesson, other = full(make("a")), full(make("b"))
    other.save_takes()
    lesson.save_takes()
    lesson.teach(5, extend=False)
    until(lambda: lesson.learnt is not None)
    lesson.leave()
    finish(lesson)
    until(lambda: not (tmp_path / "a").exists())
    assert not lesson.takes.all() and (tmp_path / "b").exists()
    with pytest.raises(UserError, match="this visit has ended"):
        full(lesson).teach(0, extend=False)


def test_takes_are_saved_and_loaded(make, monkeypatch):
    lesson, dropped = full(make("a")), []
    saved = lesson.save_takes()
    assert saved.name == "my_actions.pkl"
    other = make("b")
    read = pyskl.read(saved).clips.values()
    monkeypatch.setattr(room, "read_takes", lambda file, spare: room_of(read))
    other.load(saved, dropped.append)
    finish(other)
    assert other.said == ["loaded 4 takes"] and dropped == [saved]
    assert {label: len(t) for label, t in other.takes.by_label().items()} == {"wave": 2, "squat": 2}
    with pytest.raises(UserError, match="no file of weights or takes"):
        other.load(saved.with_suffix(".py"), dropped.append)


def room_of(clips):
    return [(clip.label, skeletons()) for clip in clips]


def test_weights_are_loaded_without_a_trace_in_the_cache(make, monkeypatch, tmp_path):
    lesson, file = make(), tmp_path / "theirs.safetensors"
    file.write_bytes(b"weights")
    monkeypatch.setattr(room, "export_apart", lambda kind, path: b"graph of " + path.read_bytes())
    lesson.load(file, lambda path: path.unlink())
    finish(lesson)
    assert lesson.labels == ["squat", "wave"] and not file.exists()
    assert lesson._actions.graph == b"graph of weights" and lesson.learnt is None
    monkeypatch.setattr(room, "MAX_WEIGHTS", 3)
    file.write_bytes(b"weights")
    lesson.load(file, lambda path: path.unlink())
    finish(lesson)
    assert "theirs.safetensors has more than" in lesson.said[0] and not file.exists()
