import pickle

import numpy as np
import pytest

from models.data.annotations import Example, annotation, spaced_evenly, write
from models.data.pyskl import read
from models.data.recording import Skeletons
from models.errors import UserError
from tests.pipeline.bodies import body


def walk(times, people=1, spatial=False):
    """People who walk 100 pixels a second, the second one 200 pixels to the right."""
    poses = np.stack([[body(100 * t + 200 * p) for t in times] for p in range(people)])
    space = np.zeros((people, len(times), 17, 4), np.float32)
    space[..., :2], space[..., 2], space[..., 3] = poses[..., :2] / 100, 3, 1
    return Skeletons(
        np.array(times), (640, 480), poses.astype(np.float32), space if spatial else None
    )


def save(path, *clips, spatial=False, **about):
    made = [
        annotation(Example(f"walk/{i}.mp4", "walk", clip), 0, spatial)
        for i, clip in enumerate(clips)
    ]
    write(path, made, about.get("classes", ["walk"]), "mine", about.get("splits"), spatial)
    return path


def test_what_is_written_is_read_back(tmp_path):
    clip = walk(np.arange(30) / 25 + 0.4, people=2)
    path = save(tmp_path / "new" / "clips.pkl", clip, walk(np.arange(60) / 50))
    data = read(path)
    back = data.clips["walk/0.mp4"]
    np.testing.assert_array_equal(back.keypoints, clip.keypoints)
    assert back.times == pytest.approx(np.arange(30) / 25)
    assert np.diff(data.clips["walk/1.mp4"].times) == pytest.approx(1 / 50)
    assert (back.name, back.label) == ("mine/walk/0.mp4", "walk")
    assert data.splits == {"all": ["walk/0.mp4", "walk/1.mp4"]}
    assert [file.name for file in path.parent.iterdir()] == ["clips.pkl"]


def test_splits_are_written_beside_that_of_all_clips(tmp_path):
    clip = walk(np.arange(30) / 25)
    path = save(tmp_path / "a.pkl", clip, clip, splits={"test": ["walk/1.mp4"]})
    data = read(path)
    assert data.splits == {"test": ["walk/1.mp4"], "all": ["walk/0.mp4", "walk/1.mp4"]}
    assert data.clips["walk/1.mp4"].splits == {"test", "all"}


def test_the_file_has_what_pyskl_and_mmaction2_ask_for(tmp_path):
    content = pickle.loads(save(tmp_path / "a.pkl", walk(np.arange(30) / 25, 2)).read_bytes())
    assert set(content) == {"split", "annotations", "layout", "fps", "classes", "dataset"}
    (made,) = content["annotations"]
    # What their loaders do: PoseDataset of both.
    assert made["frame_dir"] in set(content["split"]["all"])
    people, frames, joints, channels = made["keypoint"].shape
    assert (people, frames, joints, channels) == (2, made["total_frames"], 17, 2)
    assert made["keypoint_score"].shape == (2, 30, 17)
    assert made["keypoint"].dtype == made["keypoint_score"].dtype == np.float32
    assert made["img_shape"] == made["original_shape"] == (480, 640)
    assert type(made["label"]) is type(made["total_frames"]) is int
    assert (content["layout"], content["fps"], made["start"]) == ("coco17", pytest.approx(25), 0)


def test_timestamps_that_are_rounded_are_even():
    times = np.round(np.arange(90) / 29.97, 3)  # as in Matroska
    clip = walk(times)
    even, fps = spaced_evenly(clip)
    assert even is clip
    assert fps == pytest.approx(29.97, rel=1e-3)


def test_uneven_frames_are_interpolated():
    times = np.concatenate([np.arange(20) / 30, 0.7 + np.arange(20) / 15])
    times = np.delete(times, 8)
    even, fps = spaced_evenly(walk(times, 2, spatial=True))
    assert np.diff(even.times) == pytest.approx(1 / fps)
    assert even.times[[0, -1]] == pytest.approx(times[[0, -1]], abs=1 / fps)
    assert even.keypoints[1, :, 5, 0] == pytest.approx(100 * even.times + 200 - 24, abs=1e-2)
    assert even.space[0, :, 5, 0] == pytest.approx(even.times - 0.24, abs=1e-4)
    assert even.keypoints[..., 2] == pytest.approx(0.9, abs=1e-6)


def test_nothing_is_made_up_in_a_gap():
    times = np.concatenate([np.arange(20) / 30, 1.5 + np.arange(20) / 30])
    even, fps = spaced_evenly(walk(times))
    assert fps == pytest.approx(30)
    absent = ~even.seen[0]
    inside = (even.times > times[19] + 1e-6) & (even.times < times[20] - 1e-6)
    assert (absent == inside).all() and inside.sum() == 25
    assert not even.keypoints[0, inside].any()


def test_frames_too_far_apart_are_refused():
    with pytest.raises(UserError, match="unevenly"):
        spaced_evenly(walk([*np.arange(20) / 30, 1e9]))
    with pytest.raises(UserError, match="single frame"):
        spaced_evenly(walk([0.0]))


def test_skeletons_in_space(tmp_path):
    clip = walk(np.arange(30) / 30, spatial=True)
    back = read(save(tmp_path / "a_3d.pkl", clip, spatial=True)).clips["walk/0.mp4"]
    seen = [0, *range(5, 17)]
    np.testing.assert_allclose(back.space[0][:, seen], clip.space[0][:, seen, :3], atol=1e-5)
    with pytest.raises(UserError, match="not in space"):
        annotation(Example("a", "walk", walk(np.arange(30) / 30)), 0, spatial=True)


def test_a_file_that_cannot_be_written_is_the_users_error(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        save(tmp_path / "a" / "b.pkl", walk(np.arange(30) / 30))
