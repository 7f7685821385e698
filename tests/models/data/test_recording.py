import numpy as np
import pytest

from models.data.recording import (
    THRESHOLD,
    Skeletons,
    extent,
    link,
    present_only,
    trajectories,
)
from tests.pipeline.bodies import body


def test_joints_that_are_not_present_are_zero():
    pose = body(100)
    pose[3, 2] = THRESHOLD - 0.01
    pose[4, 0], pose[5, 2], pose[6, 1] = np.nan, np.nan, np.inf
    pose[7, 2] = 1.2
    kept = present_only(pose)
    assert kept.dtype == np.float32
    assert not kept[3:7].any()
    assert kept[7, 2] == 1
    np.testing.assert_array_equal(kept[8:], pose[8:])
    assert np.isnan(pose[4, 0]), "the given array is left as it was"


def test_a_trajectory_has_the_frames_in_which_somebody_is_seen():
    nobody = np.zeros((17, 3), np.float32)
    (one,) = trajectories({"a": [(0, body(1)), (1, nobody), (4, body(2))], "b": [(0, nobody)]})
    assert one.frames.tolist() == [0, 4]
    np.testing.assert_array_equal(one.keypoints, [body(1), body(2)])


def walkers(frames):
    """The poses of each frame, from each person's place at the start and pixels a frame."""
    return [
        np.array([body(x + speed * t) for x, speed in here], np.float32).reshape(-1, 17, 3)
        for t, here in enumerate(frames)
    ]


def test_people_are_linked_whatever_their_order():
    left, right = (100, 4), (500, -4)
    frames = [[left, right] if t % 3 else [right, left] for t in range(30)]
    one, other = link(np.arange(30) / 30, walkers(frames))
    assert len(one.frames) == len(other.frames) == 30
    for person, (x, speed) in ((one, right), (other, left)):
        assert np.diff(person.keypoints[:, 5, 0]) == pytest.approx(speed, abs=1e-3)
        assert person.keypoints[0, 5, 0] == pytest.approx(body(x)[5, 0])


def test_a_person_is_linked_over_a_short_gap_only():
    still = (100, 0)
    for gap, people in ((10, 1), (30, 2)):
        frames = [[still] if t < 10 or t >= 10 + gap else [] for t in range(60)]
        found = link(np.arange(60) / 30, walkers(frames))
        assert len(found) == people, gap
    apart = link(np.arange(2) / 30, walkers([[(100, 0)], [(900, 0)]]))
    assert len(apart) == 2


def test_the_first_people_are_taken_with_the_time_they_are_seen():
    keypoints = np.zeros((2, 10, 17, 3), np.float32)
    keypoints[0, 3:6], keypoints[1, 5:9] = body(10), body(50)
    clip = Skeletons(np.arange(10) / 10, (100, 50), keypoints, found=2)
    assert clip.followed == pytest.approx([0.3, 0.4])
    assert clip.step == pytest.approx(0.1)
    one, both = clip.take(1), clip.take(2)
    assert one.times == pytest.approx([0.3, 0.4, 0.5])
    np.testing.assert_array_equal(one.keypoints, keypoints[:1, 3:6])
    assert both.times[[0, -1]] == pytest.approx([0.3, 0.8])
    np.testing.assert_array_equal(both.keypoints, keypoints[:, 3:9])


def test_the_smallest_picture_holds_all_joints():
    assert extent([body(300, 400), np.zeros((17, 3))]) == (333, 401)
    assert extent([]) == extent([np.zeros((0, 17, 3))]) == (1, 1)
