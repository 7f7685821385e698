"""Callbacks when an action begins and ends."""

import numpy as np
import pytest

from models.errors import UserError
from pipeline.classify import Action
from pipeline.engine import Pipeline
from pipeline.listeners import Listeners
from pipeline.source import open_source
from tests.pipeline.videos import CLIPS


def action(label, *people):
    return Action(people, label, 0.9, np.zeros(1))


@pytest.fixture
def heard():
    """Listeners to waves, and what they heard."""
    calls, listeners = [], Listeners()
    listeners.add(
        "wave",
        lambda event: calls.append(("start", event.people, event.start)),
        lambda event: calls.append(("end", event.people, event.end)),
    )
    return listeners, calls


def test_an_action_begins_and_ends_once(heard):
    listeners, calls = heard
    for time, shown in ((0.0, []), (0.2, ["wave"]), (0.4, []), (0.6, ["wave"]), (0.8, [])):
        listeners.update(time, [action(label, 1) for label in shown])
    assert calls == [("start", (1,), 0.2)]
    listeners.update(1.4, [])
    assert calls[1:] == [("end", (1,), 0.8)]


def test_another_action_ends_it_and_other_labels_are_not_told(heard):
    listeners, calls = heard
    listeners.update(0.0, [action("wave", 1), action("walk", 2)])
    listeners.update(0.2, [action("walk", 1), action("wave", 2)])
    assert calls == [("start", (1,), 0.0), ("start", (2,), 0.2), ("end", (1,), 0.2)]


def test_everything_ends_at_a_cut(heard):
    listeners, calls = heard
    listeners.update(0.0, [action("wave", 1)])
    listeners.update(0.1, [action("wave", 1)])
    listeners.reset()
    assert calls[1:] == [("end", (1,), 0.1)]
    listeners.update(0.2, [action("wave", 1)])
    assert len(calls) == 3


@pytest.mark.slow
def test_the_pipeline_calls_back():
    pipeline = Pipeline(people=1)
    with pytest.raises(UserError, match="there is no label fly"):
        pipeline.on("fly")
    started, ended = [], []
    pipeline.on("walk", started.append, ended.append)
    pipeline.on(None, start=started.append)
    with open_source(CLIPS / "walk.mp4", max_seconds=2.5) as source:
        for _ in pipeline.run(source):
            pass
    assert len(started) >= 2 and {event.label for event in started[:2]} == {"walk"}
    pipeline.reset()
    assert ended and ended[0] is started[0]
