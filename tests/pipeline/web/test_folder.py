import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.web import folder
from pipeline.web.folder import temporary_folder

ROOT = Path(__file__).parents[3]
HOLD = (
    "from pipeline.web.folder import temporary_folder\n"
    "with temporary_folder() as folder:\n"
    "    (folder / 'clip.mp4').write_bytes(b'x')\n"
    "    print(folder, flush=True)\n"
    "    input()\n"
)


@pytest.fixture(autouse=True)
def parent(tmp_path, monkeypatch):
    monkeypatch.setattr(folder.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def hold(parent):
    """A program that has a folder, and the folder."""
    program = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return program, Path(program.stdout.readline().strip())


def test_it_is_there_for_a_while_only(parent):
    with temporary_folder() as made:
        (made / "visitor").mkdir()
        (made / "visitor" / "clip.mp4").write_bytes(b"x")
        (made / "clip.mp4").write_bytes(b"x")
        assert made.parent == parent and os.stat(made).st_mode & 0o777 == 0o700
    assert not list(parent.iterdir())


def test_what_a_crash_leaves_is_deleted_at_the_next_start(parent):
    program, left = hold(parent)
    program.kill()
    program.wait()
    assert (left / "clip.mp4").exists()
    with temporary_folder() as made:
        assert list(parent.iterdir()) == [made]


def test_what_a_living_program_owns_is_not(parent):
    program, owned = hold(parent)
    with temporary_folder():
        assert (owned / "clip.mp4").exists()
    program.communicate("\n")
    assert not owned.exists()


def test_others_are_left_alone(parent):
    """A folder that is linked, or has no lock: who knows whose it is."""
    (parent / "elsewhere").mkdir()
    (parent / "elsewhere" / folder.LOCK).touch()
    (parent / "actions-link").symlink_to(parent / "elsewhere")
    (parent / "actions-notes").mkdir()
    (parent / "actions-file").touch()
    with temporary_folder():
        pass
    names = {path.name for path in parent.iterdir()}
    assert names == {"elsewhere", "actions-link", "actions-notes", "actions-file"}
    assert (parent / "elsewhere" / folder.LOCK).exists()
