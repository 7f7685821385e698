import sys

import pytest

from apps import benchmark as door
from apps.cli import run


def test_a_mistake_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmark.py", "--people", "0"])
    with pytest.raises(SystemExit) as stop:
        run(door.main)
    assert stop.value.code == 2 and "between 1 and 100" in capsys.readouterr().err
