import os
import signal
import sys
import tempfile

import pytest

from models.errors import UserError
from pipeline.cluster import RETRIES, Lost, cluster, run_all


def half(number):
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


def dies(log):
    """A job that kills its worker, and leaves a line of each try and a temporary folder."""
    with open(log, "a") as file:
        file.write(tempfile.mkdtemp(prefix="tried-") + "\n")
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_jobs_are_done_and_those_that_fail_are_tried_again_and_listed(tmp_path):
    pytest.importorskip("ray", reason="needs requirements-batch.txt")
    handler = signal.getsignal(signal.SIGTERM)
    with cluster(workers=2):
        assert signal.getsignal(signal.SIGTERM) == handler
        done = dict(run_all(half, {n: n for n in range(4)}))
        assert done == {
            0: 0,
            1: Lost("ValueError: 1 is odd"),
            2: 1,
            3: Lost("ValueError: 3 is odd"),
        }
        ((_, lost),) = run_all(dies, {"a": str(tmp_path / "log")})
    assert "the worker was lost 3 times" in lost.reason
    left = (tmp_path / "log").read_text().split()
    assert len(left) == 1 + RETRIES and not any(map(os.path.exists, left))


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install .* -r requirements-batch\.txt"), cluster():
        pass


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_the_users_error():
    pytest.importorskip("ray", reason="needs requirements-batch.txt")
    with pytest.raises(UserError, match="no Ray cluster answers at auto"), cluster("auto"):
        pass
