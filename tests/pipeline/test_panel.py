from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.classify import Action
from pipeline.engine import Result
from pipeline.events import MAX_GAP
from pipeline.hints import Hint
from pipeline.overlay import person_colour
from pipeline.panel import KEPT_EVENTS, Observer, Row
from pipeline.source import Frame
from tests.pipeline.bodies import body, box_of

LABELS = ["walk", "wave", "sit down", "hug"]
IMAGE = np.zeros((480, 640, 3), np.uint8)


def action(people, label=None, scores=(0.1, 0.3, 0.4, 0.0)):
    scores = np.float32(scores)
    return Action(people, label, float(scores.max()), scores)


def result(time, people=(1,), actions=()):
    found = [
        SimpleNamespace(id=i, box=box_of(keypoints), keypoints=keypoints)
        for i, keypoints in ((i, body(100 * i, 450, 300)) for i in people)
    ]
    return Result(Frame(round(time * 30), time, IMAGE), found, list(actions))


@pytest.fixture
def observer():
    return Observer(LABELS, 0.3)


def test_everybody_in_view_has_one_row(observer):
    actions = [
        action((2, 4), "hug", (0, 0, 0, 0.9)),
        action((1,), "walk", (0.8, 0, 0, 0)),
        action((3,)),
    ]
    panel = observer.update(result(0.0, (5, 4, 3, 2, 1), actions))
    assert [row.people for row in panel.rows] == [(1,), (2, 4), (3,), (5,)]
    walk, hug, unnamed, new = panel.rows
    assert (walk.label, walk.score, walk.likeliest) == ("walk", pytest.approx(0.8), ())
    assert hug.colours == (person_colour(2), person_colour(4))
    assert unnamed.label is None and unnamed.score == 0
    assert unnamed.likeliest == (
        ("sit down", pytest.approx(0.4)),
        ("wave", pytest.approx(0.3)),
    )
    assert new == Row((5,))


def test_what_is_hardly_likely_is_not_said(observer):
    panel = observer.update(result(0.0, (1,), [action((1,), None, (0.01, 0.2, 0.04, 0))]))
    assert [label for label, _ in panel.rows[0].likeliest] == ["wave"]


def test_people_have_colours_that_differ_from_the_next(observer):
    assert len({person_colour(i) for i in (1, 2, 3, 4)}) == 4
    assert person_colour(5) == person_colour(1)


def test_events_are_the_last_ones_newest_first(observer):
    for number in range(KEPT_EVENTS + 3):
        label = LABELS[number % 2]
        panel = observer.update(result(number, (1,), [action((1,), label)]))
    starts = [event.start for event in panel.events]
    assert starts == list(range(KEPT_EVENTS + 2, 2, -1))
    assert panel.events[0].end is None
    assert [event.end for event in panel.events[1:]] == starts[:-1]
    then = panel.events[0]
    observer.update(result(20.0))
    observer.update(result(20.0 + MAX_GAP))
    assert then.end is None, "a panel is what was known at its moment"


def test_a_hint_and_its_end(observer):
    seen = [observer.update(result(n / 10, ())).hint for n in range(15)]
    assert seen[0] is None and seen[-1] is Hint.BLANK
    assert observer.update(result(1.6, (1,))).hint is Hint.BLANK
    assert observer.update(result(2.0, (1,))).hint is None


def test_an_interruption_drops_the_hint_and_keeps_the_events(observer):
    observer.update(result(0.0, (1,), [action((1,), "walk")]))
    for n in range(1, 15):
        panel = observer.update(result(n / 10, ()))
    assert panel.hint
    observer.reset()
    panel = observer.update(result(30.0, ()))
    assert panel.hint is None and [event.label for event in panel.events] == ["walk"]


def test_rate_and_age_are_of_the_last_seconds(observer):
    assert observer.update(result(0.0)).rate == 0
    for n in range(1, 200):
        delay = 0.5 if n < 100 else 0.03
        observer.update(result(n / 25))
        observer.note_shown(n / 25 + delay, n / 25)
    panel = observer.update(result(8.0))
    assert panel.rate == pytest.approx(25) and panel.age == pytest.approx(0.03)
