import pytest

from models.errors import UserError
from pipeline.batch.videos import Video, find_videos


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of files that are videos by their names."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "v/a.mp4",
        "v/deep/b.MKV",
        "v/notes.txt",
        "v/.hidden.mp4",
        "v/a.mp4.annotated.mp4",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


def names(*sources):
    return [video.name for video in find_videos(sources)]


def test_a_folder_has_its_videos_by_their_names_in_it(folder):
    assert find_videos(["v"]) == [Video("a.mp4", "v/a.mp4"), Video("deep/b.MKV", "v/deep/b.MKV")]


def test_a_pattern_and_names_have_them_as_they_are_written(folder):
    assert names("v/*.mp4") == ["v/a.mp4"]
    assert names("v/**/*") == ["v/a.mp4", "v/deep/b.MKV"]
    assert names(str(folder / "v" / "a.mp4")) == [str(folder / "v" / "a.mp4").lstrip("/")]
    assert names("v/a.mp4", "v/./a.mp4") == ["v/a.mp4"], "each is named once"
    assert names("v/none.mp4") == ["v/none.mp4"], "that it is missing is told with the results"


def test_a_name_with_brackets_is_no_pattern(folder):
    (folder / "[1].mp4").write_text("")
    assert names("[1].mp4") == ["[1].mp4"]


def test_a_list_has_paths_beside_it_and_addresses(folder):
    (folder / "v" / "list.txt").write_text("# mine\na.mp4\n\n../c.mov\ns3://bucket/d/e.mp4\n")
    assert find_videos(["v/list.txt"]) == [
        Video("a.mp4", "v/a.mp4"),
        Video("c.mov", "v/../c.mov"),
        Video("bucket/d/e.mp4", "s3://bucket/d/e.mp4"),
    ]


def test_folders_and_patterns_may_be_elsewhere(folder):
    root = (folder / "v").as_uri()
    found = find_videos([f"{root}/"])
    assert [video.name for video in found] == ["a.mp4", "deep/b.MKV"]
    assert found[0].place == f"{root}/a.mp4"
    assert names(f"{root}/*.mp4") == [f"{root}/a.mp4".removeprefix("file:///")]


def test_an_address_with_a_query_is_one_video(folder):
    assert names("https://host.example/a/b.mp4?token=1") == ["host.example/a/b.mp4"]


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["v/deep/c*"], "no video in v/deep/c"),
        (["none.txt"], "no such list"),
        (["v", "v/deep/../../other/a.mp4", "a.mp4"], "would have the same results, a.mp4"),
        (["nosuch://x/"], "cannot be reached"),
    ],
)
def test_mistakes_are_told_in_a_line(folder, sources, message):
    with pytest.raises(UserError, match=message):
        find_videos(sources)
