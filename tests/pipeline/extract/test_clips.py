import os

import pytest

from models.errors import UserError
from pipeline.extract.clips import Remark, find_clips, printable
from tests.models.data.imports import formats


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def found(source, *ignored):
    clips, left_out = find_clips(source, ignored)
    return {clip.name: clip.label for clip in clips}, [str(remark) for remark in left_out]


def test_a_folder_is_a_label(tmp_path):
    touch(tmp_path, "walk/b.mp4", "walk/anna/a.mp4", "run/c.avi", "loose.mp4")
    touch(tmp_path, ".git/x", "run/.DS_Store", "walk/.hidden/d.mp4")
    clips, left_out = found(tmp_path)
    assert clips == {"run/c.avi": "run", "walk/anna/a.mp4": "walk", "walk/b.mp4": "walk"}
    assert list(clips) == sorted(clips)
    assert left_out == ["loose.mp4: it is in no label's folder"]


def test_the_programs_own_files_are_no_clips(tmp_path):
    touch(tmp_path, "walk/b.mp4", "out.pkl", "out.extracted/x.safetensors")
    assert found(tmp_path, tmp_path / "out.pkl", tmp_path / "out.extracted") == (
        {"walk/b.mp4": "walk"},
        [],
    )


def test_parts_are_no_clips(tmp_path):
    touch(tmp_path, "walk/a.partial.mp4", "walk/a.partial-2.mp4", "walk/partial.mp4")
    touch(tmp_path, "walk/impartial.mp4", "walk/partial wave.mp4")
    clips, left_out = found(tmp_path)
    assert list(clips) == ["walk/impartial.mp4", "walk/partial wave.mp4"]
    assert left_out == [
        f"walk/{name}.mp4: it was not written to its end"
        for name in ("a.partial-2", "a.partial", "partial")
    ]


@pytest.mark.parametrize("label", ["two\nlines", "🤸", "x" * 200, " ", "-o", "a:b", "ünï", "a,b"])
def test_any_name_is_a_label(tmp_path, label):
    touch(tmp_path, f"{label}/{label}")
    assert found(tmp_path) == ({f"{label}/{label}": label}, [])


def test_names_that_are_no_text_can_be_told(tmp_path):
    folder = os.fsencode(tmp_path) + b"/wave\xff"
    os.mkdir(folder)
    open(folder + b"/a.mp4", "wb").close()
    ((name, label),) = found(tmp_path)[0].items()
    assert printable(label).isascii() and str(Remark(name, "x\ny")).isprintable()


def test_what_cannot_be_printed_is_escaped():
    assert printable("walk/läuft 🤸 (1).mp4") == "walk/läuft 🤸 (1).mp4"
    assert printable("a\nb\x1b[31m") == "a\\nb\\x1b[31m"


def test_links_in_circles_end(tmp_path):
    touch(tmp_path, "walk/a.mp4")
    (tmp_path / "walk" / "again").symlink_to(tmp_path / "walk")
    (tmp_path / "walk" / "all").symlink_to(tmp_path)
    (tmp_path / "run").symlink_to(tmp_path / "walk")
    (tmp_path / "walk" / "gone.mp4").symlink_to(tmp_path / "nowhere")
    assert found(tmp_path)[0]["walk/a.mp4"] == "walk"
    assert found(tmp_path)[0]["run/a.mp4"] == "run"


def test_skeletons_of_other_programs(tmp_path):
    formats.openpose(tmp_path / "kick" / "one", frames=3)
    formats.openpose(tmp_path / "kick", frames=3, name="a")
    formats.openpose(tmp_path / "kick", frames=3, name="b")
    touch(tmp_path, "S001C001P001R001A043.skeleton", "mine/S001C001P001R001A001.skeleton")
    assert found(tmp_path)[0] == {
        "S001C001P001R001A043.skeleton": "falling",
        "kick/a": "kick",
        "kick/b": "kick",
        "kick/one/video": "kick",
        "mine/S001C001P001R001A001.skeleton": "mine",
    }
    clips, _ = find_clips(tmp_path)
    assert {clip.path.name for clip in clips if clip.label == "kick"} == {
        f"{name}_000000000000_keypoints.json" for name in ("a", "b", "video")
    }


def test_a_list(tmp_path):
    touch(tmp_path, "a.mp4", "deep/b, c.mp4")
    formats.openpose(tmp_path / "frames", frames=2)
    path = tmp_path / "list.csv"
    path.write_text(
        "\ufeffpath,label\n"
        "a.mp4, walk\n\n"
        '"deep/b, c.mp4","turn\naround"\n'
        f"{tmp_path}/a.mp4,walk\n"
        "frames,kick\n"
        "none.mp4,walk\n"
    )
    clips, left_out = found(path)
    assert clips == {
        "a.mp4": "walk",
        "deep/b, c.mp4": "turn\naround",
        f"{tmp_path}/a.mp4": "walk",
        "frames": "kick",
    }
    assert left_out == ["none.mp4: there is no such file"]
    assert find_clips(path)[0][-1].path.name == "video_000000000000_keypoints.json"


def test_a_list_may_name_splits(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    path = tmp_path / "list.csv"
    path.write_text("path,label,split\na.mp4,walk,train\nb.mp4,walk,\nc.mp4,walk\n")
    clips, _ = find_clips(path)
    assert [clip.split for clip in clips] == ["train", None, None]


@pytest.mark.parametrize("text", ["a.mp4\n", "a.mp4,walk,3,4\n", ",walk\n", 'a,"b\n', b"\xff,\xff"])
def test_a_bad_list_is_the_users_error(tmp_path, text):
    path = tmp_path / "list.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=r"list\.csv"):
        find_clips(path)
    with pytest.raises(UserError, match="no such folder"):
        find_clips(tmp_path / "none")
