import json
import os
import re
import shutil
from dataclasses import replace

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from models.errors import UserError
from pipeline.batch import work
from pipeline.batch.places import Unreachable
from pipeline.batch.plan import Plan, check_table, write_summary, write_table
from pipeline.batch.record import Record, find_record
from pipeline.batch.videos import Video
from pipeline.batch.work import Job, Settings, process
from pipeline.choices import Choices
from pipeline.events_file import Event
from tests.pipeline.videos import CLIPS, make_video

SETTINGS = Settings(Choices(threads=1), max_seconds=1.2)


@pytest.fixture(scope="module")
def fingerprint():
    return SETTINGS.fingerprint()


@pytest.fixture
def job(tmp_path, fingerprint):
    path = tmp_path / "in" / "walk.mp4"
    path.parent.mkdir()
    shutil.copy(CLIPS / "walk.mp4", path)
    return Job(
        Video("walk.mp4", str(path)), str(tmp_path / "out" / "walk.mp4"), SETTINGS, fingerprint
    )


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / "out").rglob("*"))


@pytest.fixture(scope="module")
def results(tmp_path_factory, fingerprint):
    """The results of a clip with everything asked for, and what is known of it."""
    folder = tmp_path_factory.mktemp("results")
    settings = replace(SETTINGS, video=True)
    video = Video("walk.mp4", str(CLIPS / "walk.mp4"))
    record = process(Job(video, str(folder / "walk.mp4"), settings, settings.fingerprint()))
    return folder, record


def test_results_are_those_of_the_video_program_and_a_record(results):
    folder, record = results
    assert sorted(path.name for path in folder.iterdir()) == [
        *("walk.mp4.annotated.mp4", "walk.mp4.done.json"),
        *("walk.mp4.events.csv", "walk.mp4.jsonl"),
    ]
    assert (folder / "walk.mp4.jsonl").read_text().count("\n") == 36
    assert (record.seconds, record.people, record.problem, record.note) == (1.2, 1, None, None)
    assert record.work > 0
    (event,) = record.events
    assert event.label == "walk" and event.who == "1" and event.end == 1.2


def test_a_second_video_of_a_process_begins_with_its_first_person(job, results):
    again = process(job)
    assert again.events == results[1].events


def test_what_is_done_is_known_until_something_changes(job, tmp_path):
    record = process(job)

    def found(**changed):
        return find_record(job.video, job.target, changed.get("fingerprint", job.fingerprint))

    assert found() == record
    assert found(fingerprint="other") is None
    os.utime(job.video.place, (1, 1))
    assert found() == record, "touched, and the same"
    (tmp_path / "out" / "walk.mp4.jsonl").rename(tmp_path / "kept")
    assert found() is None
    (tmp_path / "kept").rename(tmp_path / "out" / "walk.mp4.jsonl")
    with open(job.video.place, "ab") as file:
        file.write(b"more")
    assert found() is None
    (tmp_path / "out" / "walk.mp4.done.json").write_text('{"half')
    assert found() is None


def test_settings_and_weights_change_the_fingerprint(tmp_path, fingerprint):
    weights = tmp_path / "other.safetensors"
    weights.write_bytes(b"other")
    moved = tmp_path / "same.safetensors"
    shutil.copy(SETTINGS.choices.weights, moved)

    def of(**changed):
        return replace(SETTINGS, choices=replace(SETTINGS.choices, **changed)).fingerprint()

    assert of(weights=weights) != fingerprint != of(people=1)
    assert of(weights=moved) == fingerprint
    assert replace(SETTINGS, stride=2).fingerprint() != fingerprint


def test_a_run_that_is_ended_leaves_no_result_or_a_whole_one(job, tmp_path, monkeypatch):
    process(job)
    published = []

    def publish(file, place):
        if published:
            raise KeyboardInterrupt
        published.append(place)

    monkeypatch.setattr(work, "publish", publish)
    with pytest.raises(KeyboardInterrupt):
        process(job)
    assert find_record(job.video, job.target, job.fingerprint) is None, "it may be a mixture"
    assert files(tmp_path) == ["walk.mp4.events.csv", "walk.mp4.jsonl"]


def test_a_damaged_video_is_done_and_said_to_be_damaged(job, tmp_path):
    path = tmp_path / "in" / "cut.mp4"
    make_video(path, frames=30, container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[:-300])
    whole = replace(SETTINGS, max_seconds=None)
    damaged = Job(Video("cut.mp4", str(path)), job.target, whole, whole.fingerprint())
    assert process(damaged).problem.startswith("is damaged")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot read .*x.mp4: No such file"), ("text", "cannot be read: it is not a video")],
)
def test_what_cannot_be_read_gets_a_reason_and_no_result(job, tmp_path, content, reason):
    path = tmp_path / "in" / "x.mp4"
    if content:
        path.write_text(content)
    outcome = process(replace(job, video=Video("x.mp4", str(path))))
    assert re.match(reason, outcome), outcome
    assert not (tmp_path / "out").exists()


def test_a_machine_with_other_weights_does_nothing(job, tmp_path):
    outcome = process(replace(job, fingerprint="other"))
    assert "has other weights or code: install the same there" in outcome
    assert not (tmp_path / "out").exists()


def test_an_address_that_does_not_answer_may_be_tried_again(job, monkeypatch):
    def get_file(*arguments, **options):
        raise ConnectionResetError(104, "reset by peer")

    monkeypatch.setattr(MemoryFileSystem, "get_file", get_file)
    with pytest.raises(Unreachable, match="cannot be used: reset by peer"):
        process(replace(job, video=Video("a.mp4", "memory://a.mp4")))


def test_elsewhere_is_as_good_as_here(job, results):
    place = f"memory://{job.fingerprint[:8]}/walk.mp4"
    video = Video("walk.mp4", f"file://{job.video.place}")
    record = process(replace(job, video=video, target=place))
    assert record.events == results[1].events
    assert find_record(video, place, job.fingerprint) == record


def record(**changed):
    event = Event(1.0, 2.5, "1+2", "hug", 0.75)
    return replace(Record("f", "v", "s", 4.0, 3.0, 2, (), (event,)), **changed)


@pytest.fixture
def plan():
    """Four videos: two are done, one of them damaged; one failed."""
    videos = [Video(name, f"/none/{name}") for name in ("a.mp4", "b.mp4", "c.mp4")]
    plan = Plan(videos, "/none/out", SETTINGS)
    assert list(plan.jobs) == ["a.mp4", "b.mp4", "c.mp4"]
    assert plan.jobs["b.mp4"].target == "/none/out/b.mp4"
    plan.add("b.mp4", record(problem="is damaged: 1 of 2 frames could not be read"))
    plan.add("a.mp4", record())
    plan.add("c.mp4", "is no video")
    return plan


def test_the_summary_says_what_it_came_to(plan, tmp_path):
    write_summary(str(tmp_path / "summary.json"), plan.summary(passed=2.0))
    assert json.loads((tmp_path / "summary.json").read_text()) == {
        **{"videos": 3, "done": 2, "done before": 0, "seconds passed": 2.0},
        **{"seconds of video": 8.0, "seconds of work": 6.0, "people": 4, "events": 2},
        "failed": {"c.mp4": "is no video"},
        "damaged": {"b.mp4": "is damaged: 1 of 2 frames could not be read"},
        "notes": {},
    }


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_table_has_the_events_of_all_in_order(plan, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="needs requirements-batch.txt")
    pandas = pytest.importorskip("pandas")
    place = str(tmp_path / f"t{suffix}")
    check_table(place)
    write_table(place, plan.rows())
    read = pandas.read_csv if suffix == ".csv" else pandas.read_parquet
    assert read(place).to_dict("records") == [
        {"video": v, "start": 1.0, "end": 2.5, "who": "1+2", "label": "hug", "score": 0.75}
        for v in ("a.mp4", "b.mp4")
    ]
    write_table(place, [])
    assert list(read(place).columns) == ["video", "start", "end", "who", "label", "score"]


def test_mistakes_are_told_before_anything_is_done():
    with pytest.raises(UserError, match=r"must end in \.csv or \.parquet"):
        check_table("a.txt")
    web = [Video("a.mp4", "http://localhost/a.mp4")]
    with pytest.raises(UserError, match="--out"):
        Plan(web, None, SETTINGS)
    with pytest.raises(UserError, match="name another folder"):
        Plan(web, "https://localhost/", SETTINGS)
