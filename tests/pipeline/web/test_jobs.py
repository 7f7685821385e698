import threading
from contextlib import ExitStack

import pytest

from models.errors import UserError
from pipeline.web.jobs import Jobs
from pipeline.web.quotas import Quotas


def test_they_take_turns_in_the_order_in_which_they_came():
    jobs = Jobs(Quotas())
    with jobs.join("a") as first, jobs.join("b") as second, jobs.join("c") as third:
        assert [job.wait(0) for job in (third, first, second)] == [2, 0, 1]
        first.end()
        assert [job.wait(0) for job in (third, second)] == [1, 0]


def test_who_waits_is_told_at_once():
    jobs = Jobs(Quotas())
    with ExitStack() as first:
        first.enter_context(jobs.join("a"))
        with jobs.join("b") as second:
            assert second.wait(0.01) == 1
            threading.Timer(0.05, first.close).start()
            assert second.wait(60) == 0


def test_a_visitor_has_a_quota():
    jobs = Jobs(Quotas(jobs=2))
    with jobs.join("a"), jobs.join("a"), jobs.join("b"):
        with pytest.raises(UserError, match="your other videos come first"), jobs.join("a"):
            pass
        assert jobs.count("a") == 2 and jobs.count("b") == 1
    with jobs.join("a"):
        pass


def test_all_together_have_a_quota():
    jobs = Jobs(Quotas(waiting=2))
    with ExitStack() as others:
        for visitor in "abc":
            others.enter_context(jobs.join(visitor))
        with pytest.raises(UserError, match="too many videos are waiting"), jobs.join("d"):
            pass
    with jobs.join("d"):
        pass


def test_a_job_that_nobody_asks_for_holds_up_no_other():
    jobs = Jobs(Quotas())
    lost = pytest.raises(UserError, match="start it again")
    with jobs.join("a") as left, jobs.join("b") as second, lost, left.offer():
        left.offered -= 100
        jobs.drop(50)
        assert second.wait(0) == 0


def test_a_job_may_take_long_for_a_result():
    jobs = Jobs(Quotas())
    with jobs.join("a") as slow:
        jobs.drop(-1)  # as if all that time had passed
        assert slow.wait(0) == 0
        with slow.offer():
            pass
        jobs.drop(-1)
        assert slow.wait(0) == 0


def test_an_error_ends_a_job():
    jobs = Jobs(Quotas())
    with pytest.raises(KeyError), jobs.join("a"):
        raise KeyError
    assert jobs.count("a") == 0
