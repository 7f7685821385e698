"""Posting notices: what arrives, and that nobody waits for somebody who does not answer."""

import socket
import time

import pytest

from models.errors import UserError
from pipeline import hook as module
from pipeline.hook import WAITING, Hook
from tests.pipeline.receiver import Receiver


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    monkeypatch.setattr(module, "LAST_CALLS", 0.5)


def notice(number=0):
    return {"event": "start", "label": "wave", "people": [1, 2], "time": float(number)}


def test_notices_arrive_in_their_order_as_json():
    said = []
    with Receiver() as receiver, Hook(receiver.address, said.append) as hook:
        for number in range(5):
            hook.post(notice(number))
    assert receiver.bodies == [notice(number) for number in range(5)]
    assert set(receiver.requests) == {("/actions?room=1", "application/json")}
    assert said == []


def test_nobody_else_is_called(monkeypatch):
    said = []
    with Receiver() as other:
        monkeypatch.setenv("http_proxy", other.address)
        monkeypatch.setenv("no_proxy", "")
        with Receiver(307, [("Location", other.address)]) as receiver:
            with Hook(receiver.address, said.append) as hook:
                hook.post(notice())
            assert len(receiver.bodies) == 1
        assert other.bodies == []
    assert len(said) == 1 and "answers with status 307" in said[0]


def test_a_dead_hook_costs_no_time_and_one_line():
    said = []
    with Receiver() as receiver:
        receiver.let.clear()
        began = time.monotonic()
        with Hook(receiver.address, said.append) as hook:
            for number in range(3 * WAITING):
                hook.post(notice(number))
            assert time.monotonic() - began < 0.1
        assert time.monotonic() - began < 2
        assert len(receiver.bodies) < WAITING
    assert len(said) == 1 and "notices are lost" in said[0]


def test_it_goes_on_after_an_answer_was_missing():
    said = []
    with Receiver() as receiver, Hook(receiver.address, said.append) as hook:
        receiver.let.clear()
        hook.post(notice(0))
        while not said:
            time.sleep(0.01)
        receiver.let.set()
        hook.post(notice(1))
    assert receiver.bodies == [notice(0), notice(1)]
    assert len(said) == 1 and "cannot be reached: timed out" in said[0]


def test_nobody_listens():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        said = []
        with Hook(f"http://127.0.0.1:{server.getsockname()[1]}", said.append) as hook:
            hook.post(notice())
            hook.post(notice())
    assert len(said) == 1 and "Connection refused" in said[0]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("localhost:8000", "must begin with http"),
        ("file:///etc/passwd", "must begin with http"),
        ("ftp://localhost", "must begin with http"),
        ("http:///path", "must begin with http"),
        ("http://me:secret@localhost", "must not have"),
        ("http://localhost:99999", "is not complete"),
        ("http://[::1", "is not complete"),
    ],
)
def test_no_address(address, reason):
    with pytest.raises(UserError, match=reason) as raised:
        Hook(address, print)
    assert "secret" not in str(raised.value)
