"""Arguments that are not possible: one line, whatever the program."""

import os
import signal
import sys
import time
from importlib import import_module

import pytest

from apps.cli import run

TRAIN = ("config.py", "--data", "a.pkl", "--split", "train", "--out", "a.safetensors")
LINES = {
    "video": ("a.mp4", "--out", "b.mp4"),
    "webcam": ("--headless", "--json", "-"),
    "pretrain": TRAIN,
    "finetune": TRAIN,
    "evaluate": ("a.safetensors", "--data", "a.pkl", "--split", "train"),
    "results": ("config.py", "--table"),
    "benchmark": (),
    "web": (),
}
MANY = "9" * 5000


@pytest.mark.parametrize(
    ("door", "option", "values"),
    [
        ("video", "--people", ["0", "-1", "101", "1.5", "many", MANY, ""]),
        ("video", "--stride", ["0", "-1", MANY]),
        ("video", "--max-seconds", ["-1", "nan", "inf", "1e99", "a"]),
        ("video", "--confidence", ["nan", "-0.1", "1.1", "half"]),
        ("webcam", "--people", ["0", MANY]),
        ("webcam", "--source", ["", "9" * 20, "rtsp://[::1", "http://[fe80::1/a", "rtsp://a:b"]),
        ("pretrain", "--epochs", ["0", "-1", "1.5", MANY]),
        ("pretrain", "--seed", ["-1", str(2**32)]),
        ("finetune", "--threads", ["0", "-4", MANY]),
        ("finetune", "--workers", ["-1", "a"]),
        ("evaluate", "--views", ["0", "-1"]),
        ("results", "--seeds", ["-1", "a"]),
        ("results", "--threads", ["0"]),
        ("benchmark", "--people", ["0"]),
        pytest.param("web", "--port", ["-1", "65536", "http"], marks=pytest.mark.browser),
    ],
)
def test_impossible_values_get_one_line(monkeypatch, capsys, door, option, values):
    main = import_module(f"apps.{door}").main
    for value in values:
        monkeypatch.setattr(sys, "argv", [f"{door}.py", *LINES[door], option, value])
        with pytest.raises(SystemExit) as stop:
            run(main)
        lines = capsys.readouterr().err.splitlines()
        assert stop.value.code == 2 and len(lines) == 1, (value[:20], lines)
        assert lines[0].startswith("error: ")


def test_a_signal_in_a_destructor_still_ends_the_program(capfd):
    class Dying:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)

    def program():
        dying = Dying()
        del dying
        time.sleep(10)

    with pytest.raises(SystemExit) as stop:
        run(program)
    assert stop.value.code == 128 + signal.SIGTERM
    printed = capfd.readouterr().err
    assert printed.strip() == "stopped"
