"""The exporter in a process of its own: what it costs, what it says, and how it ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.errors import UserError
from models.files import WEIGHTS
from models.runtime import exporter, graphs
from models.runtime.exporter import export_apart

ROOT = Path(__file__).parents[3]
PYTHON = sys.executable


@pytest.fixture
def interpreter(tmp_path, monkeypatch):
    """Puts a shell script in the place of the exporter."""

    def replace(script):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(path))
        return str(path)

    return replace


@pytest.mark.slow
def test_pytorch_stays_out_of_the_process_that_needs_a_new_graph(tmp_path):
    shutil.copy(WEIGHTS / "strl.safetensors", tmp_path / "mine.safetensors")
    program = (
        "import sys\n"
        "from models.runtime.compiled import CompiledSTRL\n"
        "assert CompiledSTRL(sys.argv[1]).labels\n"
        "assert 'torch' not in sys.modules"
    )
    cache = tmp_path / "cache"
    environment = {**os.environ, graphs.CACHE: str(cache)}
    command = [sys.executable, "-c", program, str(tmp_path / "mine.safetensors")]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    assert len(list(cache.glob("*.graph"))) == 1


@pytest.mark.slow
def test_a_mistake_of_the_user_comes_back_as_it_was_said(tmp_path):
    (tmp_path / "notes.safetensors").write_text("Not a checkpoint at all.")
    with pytest.raises(UserError, match=r"^cannot read the checkpoint .*notes.safetensors") as said:
        export_apart("strl", tmp_path / "notes.safetensors")
    assert "\n" not in str(said.value)


def test_without_pytorch_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(exporter, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"^b.safetensors .*weights/export.py .*make setup") as said:
        export_apart("strl", "b.safetensors")
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -9 $$", "killed by SIGKILL; is memory short?"),
        ("echo Traceback >&2; echo 'ImportError: no torch' >&2; exit 1", ": ImportError: no torch"),
        ("exit 3", "it said nothing"),
    ],
)
def test_whatever_ends_it_is_one_line(interpreter, script, said):
    interpreter(script)
    with pytest.raises(UserError, match="cannot compile a network") as error:
        export_apart("strl", "a.safetensors")
    assert said in str(error.value) and "\n" not in str(error.value)


def test_what_libraries_print_is_no_part_of_the_graph(interpreter):
    interpreter("echo noise >&2; printf graph")
    assert export_apart("strl", "a.safetensors") == b"graph"


def test_many_at_once_do_not_collide(interpreter, monkeypatch, tmp_path):
    monkeypatch.setenv(graphs.CACHE, str(tmp_path / "cache"))
    interpreter("printf graph; sleep 0.2; printf s")
    weights = tmp_path / "weights"
    weights.write_bytes(b"")
    with ThreadPoolExecutor(8) as pool:
        waiting = [
            pool.submit(graphs.exported, [weights], lambda: export_apart("strl", weights))
            for _ in range(8)
        ]
        assert {export.result() for export in waiting} == {b"graphs"}
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_it_ends_when_nobody_waits_for_it():
    command = [sys.executable, "-m", "models.runtime.exporter", "strl", "none.safetensors"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_process_that_waits_for_it(interpreter, tmp_path, number):
    # It ignores signals, as one does that is deep in a library; a closed input ends it.
    script = interpreter(f"trap '' INT TERM; echo $$ > {tmp_path}/id; exec cat")
    program = (
        f"import sys; sys.executable = {script!r}\n"
        "from models.runtime.exporter import export_apart; export_apart('strl', 'a')"
    )
    waiting = subprocess.Popen([PYTHON, "-c", program], cwd=ROOT, stderr=subprocess.DEVNULL)
    until((tmp_path / "id").exists)
    time.sleep(0.1)
    exporter = int((tmp_path / "id").read_text())
    waiting.send_signal(number)
    waiting.wait(30)
    until(lambda: not alive(exporter))


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
