"""Notices of beginnings and ends, told and written."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from models.errors import UserError
from pipeline.classify import Action
from pipeline.listeners import Listeners
from pipeline.notices import notify
from pipeline.sink import NoticesSink


@pytest.fixture
def listeners():
    return Listeners()


def told(listeners, *receivers):
    notify(SimpleNamespace(on=listeners.add), *receivers)


def wave(*people):
    return Action(people, "wave \u2028", 0.9, np.zeros(1))


WHAT = {"label": "wave \u2028", "people": [1, 2]}
START, END = {"event": "start", **WHAT, "time": 0.25}, {"event": "end", **WHAT, "time": 0.5}


def test_every_receiver_is_told_when_it_happens(listeners):
    first, second = [], []
    told(listeners, first.append, second.append)
    listeners.update(0.25, [wave(np.int64(2), np.int64(1))])
    assert first == second == [START]
    listeners.update(0.5, [])
    listeners.update(1.5, [])
    assert first == second == [START, END]
    assert json.loads(json.dumps(first)) == first


def test_each_is_a_line_at_once(listeners, tmp_path):
    path = tmp_path / "events.jsonl"
    with NoticesSink(path) as sink:
        told(listeners, sink.write)
        listeners.update(0.25, [wave(1, 2)])
        assert [json.loads(line) for line in sink.partial.read_text().splitlines()] == [START]
        listeners.update(0.5, [wave(1, 2)])
        listeners.reset()
    assert [json.loads(line) for line in path.read_text().splitlines()] == [START, END]


def test_standard_output(listeners, capfd):
    with NoticesSink("-") as sink:
        told(listeners, sink.write)
        listeners.update(0.25, [wave(1, 2)])
        assert capfd.readouterr().out == (
            '{"event":"start","label":"wave \\u2028","people":[1,2],"time":0.25}\n'
        )


def test_where_nothing_happens_the_file_is_empty(tmp_path):
    with NoticesSink(tmp_path / "events.jsonl"):
        pass
    assert (tmp_path / "events.jsonl").read_bytes() == b""


def test_a_name_of_another_kind_is_refused(tmp_path):
    with pytest.raises(UserError, match="must end in"):
        NoticesSink(tmp_path / "events.csv")
