import os
import stat

import pytest

from models.errors import UserError
from models.part import COPIED, PartFile, check_output, copy_whole, write_whole
from models.text import printable


def test_a_file_is_written_whole_in_place_of_an_older_one(tmp_path):
    path = tmp_path / "folder" / "a.json"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new" and os.listdir(path.parent) == ["a.json"]


def test_a_copy_is_whole(tmp_path):
    source = tmp_path / "a"
    source.write_bytes(os.urandom(COPIED + 1))
    copy_whole(source, tmp_path / "folder" / "b")
    assert (tmp_path / "folder" / "b").read_bytes() == source.read_bytes()
    with pytest.raises(UserError, match="cannot write"):
        copy_whole(tmp_path / "none", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path):
    resource = pytest.importorskip("resource", reason="file size limits are Unix's")
    path = tmp_path / "a.json"
    path.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"cannot write .*a\.json: File too large"):
            write_whole(path, bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("nameless", [True, False])
def test_parts_have_names_of_their_own(tmp_path, nameless):
    (tmp_path / "a.partial.txt").symlink_to("elsewhere")
    parts = [PartFile(tmp_path / "a.txt", nameless) for _ in range(2)]
    for number, part in enumerate(parts):
        part.write(b"%d" % number)
    names = {part.path for part in parts}
    assert len(names) == 2 or names == {None}
    for number, part in enumerate(parts):
        part.finish()
        assert (tmp_path / "a.txt").read_text() == str(number)
    assert sorted(os.listdir(tmp_path)) == ["a.partial.txt", "a.txt"]


def test_the_user_decides_who_may_read_it(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="root may write everything")
def test_a_read_only_file_stays(tmp_path):
    (tmp_path / "a").touch(0o444)
    with pytest.raises(UserError, match="is read-only"):
        check_output(tmp_path / "a", None)
    (tmp_path / "folder").mkdir(0o600)
    with pytest.raises(UserError, match="Permission denied"):
        check_output(tmp_path / "folder" / "a", None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("déjà vu 走る", "déjà vu 走る"),
        ("a\nb\r\t", r"a\nb\r\t"),
        ("\x1b]0;gone\x07", r"\x1b]0;gone\x07"),
        ("\u202egpj", r"\u202egpj"),
        ("\udc80", r"\udc80"),
    ],
)
def test_text_from_outside_is_shown_on_one_line_and_commands_nothing(text, shown):
    assert printable(text) == shown
    assert str(UserError(f"cannot read {text}")) == f"cannot read {shown}"
