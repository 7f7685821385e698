"""Takes before the camera: counted down, chosen about, and done again after interruptions."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.camera.keeper import Keeper
from pipeline.camera.takes import COUNTDOWN, Takes
from pipeline.hints import Hint
from pipeline.source import Frame, open_source

RATE = 10
SOMEBODY = [object()]


class Session:
    """Takes of one second, and a camera of ten frames a second."""

    def __init__(self, folder, count=2, hands_free=False):
        source = SimpleNamespace(
            width=64, height=48, rate=Fraction(RATE), time_base=Fraction(1, 90_000),
            has_audio=False, start=Fraction(0), max_seconds=None, path=None, name="a camera",
        )  # fmt: skip
        self.keeper = Keeper(source, folder, 1.0)
        self.lines = []
        self.takes = Takes(self.keeper, count, 1.0, hands_free, self.lines.append)
        self.number = 0

    def run(self, seconds, people=SOMEBODY, hint=None):
        """Watch for so many seconds, and return what stood on the picture at each frame."""
        words = []
        for _ in range(round(seconds * RATE)):
            picture = np.full((48, 64, 3), self.number % 200, np.uint8)
            self.takes.update(Frame(self.number, self.number / RATE, picture), people, hint)
            words.append(self.takes.words)
            self.number += 1
        return words


@pytest.fixture
def session(tmp_path):
    return Session(tmp_path)


def test_a_take_begins_after_the_countdown_and_holds_what_was_done(session):
    words = session.run(COUNTDOWN)
    assert [line[0] for line in words[::RATE]] == [f"take 1 of 2 in {n}" for n in (5, 4, 3, 2, 1)]
    assert session.run(1) == [()] * RATE and session.takes.taking
    assert session.run(1)[-1] == ("take 1 of 2: k keeps it, d does it again",)
    session.takes.keep()
    with open_source(session.keeper.saved[0]) as clip:
        greys = [float(frame.image.mean()) for frame in clip]
    assert np.abs(np.subtract(greys, range(50, 61))).max() < 3, "and nothing of the countdown"


def test_takes_are_kept_or_done_again_until_there_are_enough(session):
    session.run(COUNTDOWN + 1.5)
    session.takes.choose_again()
    assert session.keeper.saved == []
    for number in (1, 2):
        assert session.run(0.1) == [(f"take {number} of 2 in 5",)]
        session.run(COUNTDOWN + 1.5)
        assert not session.takes.are_done
        session.takes.keep()
    assert session.takes.are_done and len(session.keeper.saved) == 2


def test_keys_do_nothing_while_there_is_nothing_to_choose_about(session):
    session.run(COUNTDOWN + 0.5)
    session.takes.keep()
    session.takes.choose_again()
    assert session.takes.taking and session.keeper.saved == []


def test_what_was_in_the_way_during_a_take_is_said(session):
    session.run(COUNTDOWN, hint=Hint.EMPTY)
    session.run(0.5, hint=Hint.LEGS)
    assert session.run(1)[-1][1:] == (Hint.LEGS,)


@pytest.mark.parametrize("gap", [True, False])
def test_an_interrupted_take_is_begun_anew(session, gap):
    session.run(COUNTDOWN + 0.5)
    if gap:  # a pause, after which time has gone on
        session.number += 3 * RATE
    else:
        session.takes.interrupt()
    assert session.run(0.1) == [("take 1 of 2 in 5",)]


def test_an_interruption_costs_no_whole_take(session):
    session.run(COUNTDOWN + 1.5)
    session.number += 3 * RATE
    session.takes.interrupt()
    session.run(0.5)
    session.takes.keep()
    assert len(session.keeper.saved) == 1


def test_without_a_user_at_the_keys_takes_with_somebody_are_kept(tmp_path):
    session = Session(tmp_path, hands_free=True)
    session.run(COUNTDOWN + 1.1, people=[])
    assert "take 1 of 2 shows nobody, and is done again" in session.lines
    session.run(2 * (COUNTDOWN + 1.2), hint=Hint.LEGS)
    assert session.takes.are_done and len(session.keeper.saved) == 2
