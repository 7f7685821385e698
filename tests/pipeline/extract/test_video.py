import numpy as np
import pytest

from models.errors import UserError
from pipeline.extract.people import is_pair
from pipeline.extract.video import Settings, extract, record
from pipeline.source import open_source
from tests.models.data.imports import formats
from tests.pipeline.extract.cut import CLIPS, cut
from tests.pipeline.videos import make_video


@pytest.fixture(scope="module")
def pipeline():
    return Settings(threads=1).pipeline()


@pytest.mark.slow
def test_what_the_live_path_sees_is_what_is_extracted(pipeline):
    clip = extract(CLIPS / "walk.mp4", pipeline=pipeline)
    pipeline.reset()
    with open_source(CLIPS / "walk.mp4") as source:
        frames = list(source)
        live = [pipeline.track(pipeline.compare(frame)).people for frame in frames]
    assert clip.times.tolist() == [frame.time for frame in frames]
    assert (clip.size, clip.found, len(clip.keypoints)) == ((1280, 442), 1, 1)
    assert clip.followed[0] > 0.95
    assert clip.problem is None
    for pose, people in zip(clip.keypoints[0], live, strict=True):
        seen = people[0].keypoints[:, 2] >= pipeline.pose.threshold if people else []
        if np.any(seen):
            np.testing.assert_array_equal(pose[seen], people[0].keypoints[seen])
            assert not pose[~seen].any()
        else:
            assert not pose.any()


@pytest.mark.slow
def test_a_clip_does_not_depend_on_the_ones_before_it(pipeline, tmp_path):
    path = cut(CLIPS / "walk.mp4", tmp_path / "a.mp4", 1.0, 2.0)
    first = extract(path, pipeline=pipeline)
    extract(CLIPS / "two_walkers.mp4", pipeline=pipeline)
    again = extract(path, pipeline=pipeline)
    np.testing.assert_array_equal(first.keypoints, again.keypoints)


def test_a_variable_frame_rate_keeps_its_times(pipeline, tmp_path):
    path = cut(CLIPS / "walk.mp4", tmp_path / "a.mkv", 1.0, 2.5, dropped=lambda n: n % 5 in (1, 2))
    clip = extract(path, pipeline=pipeline)
    assert np.ptp(np.diff(clip.times)) > 0.05
    assert clip.followed[0] > 0.8
    middle = clip.keypoints[0, clip.seen[0]][:, [5, 6], 0].mean(axis=1)
    speed = np.gradient(middle, clip.times[clip.seen[0]])
    assert np.std(speed[3:-3]) < 0.4 * abs(np.mean(speed)), "she walks evenly, from right to left"


def test_two_people_beside_each_other_are_no_pair(pipeline):
    walkers = extract(CLIPS / "two_walkers.mp4", pipeline=pipeline)
    assert (walkers.found, len(walkers.keypoints)) == (2, 2)
    assert walkers.followed.min() > 0.9
    assert not is_pair(walkers)


def test_nobody_is_in_a_grey_picture(pipeline, tmp_path):
    clip = extract(make_video(tmp_path / "grey.mp4", size=(320, 240)), pipeline=pipeline)
    assert (clip.found, len(clip.keypoints), len(clip.times)) == (0, 0, 20)


def test_a_cut_begins_a_new_scene(pipeline, tmp_path):
    frames = [*frames_of("walk.mp4", 20), *frames_of("two_people.mp4", 20)]
    path = cut(None, tmp_path / "cut.mp4", images=[f[:442, :1280] for f in frames])
    people = record(path, pipeline).people
    assert {person.scene for person in people} == {0, 1}
    assert all((person.frames < 20).all() == (person.scene == 0) for person in people)


def frames_of(name, count):
    with open_source(CLIPS / name, max_seconds=count / 30) as source:
        return [frame.image for frame in source]


def test_damage_is_told(pipeline, tmp_path):
    path = tmp_path / "cut.mp4"
    path.write_bytes((CLIPS / "two_walkers.mp4").read_bytes()[:-40_000])
    clip = extract(path, pipeline=pipeline)
    assert clip.found == 2
    assert clip.problem.startswith("is damaged: ")
    with pytest.raises(UserError, match="not a video"):
        path.write_bytes(b"no video")
        extract(path, pipeline=pipeline)


def test_skeletons_of_other_programs_need_no_network(tmp_path):
    formats.table(tmp_path / "a.csv", people=2)
    clip = extract(tmp_path / "a.csv", Settings(pose="no such network"))
    assert (clip.found, len(clip.times)) == (2, formats.FRAMES)


def test_a_check_may_stop_it(pipeline):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(CLIPS / "walk.mp4", pipeline=pipeline, check=stop)
