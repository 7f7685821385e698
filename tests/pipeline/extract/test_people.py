import numpy as np
import pytest

from models.data.recording import Recording, Skeletons, Trajectory
from pipeline.extract.people import choose, is_pair, people_of_label, shortcoming
from tests.pipeline.bodies import body

FPS = 20


def person(start, stop, x=100.0, speed=0.0, height=200, scene=0):
    """Somebody who is seen from frame `start` to `stop`, and moves so many pixels a frame."""
    frames = np.arange(start, stop)
    poses = np.array([body(x + speed * frame, height=height) for frame in frames], np.float32)
    return Trajectory(frames, poses, scene=scene)


def clip(*people, frames=40, fps=FPS):
    return choose(Recording(np.arange(frames) / fps, (1280, 720), list(people)))


def test_nobody():
    empty = clip()
    assert empty.keypoints.shape == (0, 40, 17, 3)
    assert (empty.found, empty.near) == (0, 0)
    assert shortcoming(empty, 1) == "nobody was found in it"
    assert not is_pair(empty)
    assert choose(Recording(np.zeros(0), (1, 1), [])).found == 0


def test_the_most_prominent_come_first():
    near, far = person(0, 40, 600, height=300), person(0, 40, 100, height=100)
    brief = person(0, 10, 900, height=320)
    chosen = clip(far, brief, near)
    assert chosen.found == 3
    assert chosen.keypoints[:, 0, 15, 0] == pytest.approx([600 - 24, 100 - 8])
    assert chosen.followed == pytest.approx([1, 1])


def test_of_two_alike_the_one_who_moves_comes_first():
    still, moving = person(0, 40, 600), person(0, 40, 100, speed=8)
    for people in ((still, moving), (moving, still)):
        assert np.ptp(clip(*people).keypoints[0, :, 5, 0]) > 100


def test_of_twenty_people_two_are_chosen():
    crowd = [person(0, 40, 60 * number, height=100 + number) for number in range(20)]
    chosen = clip(*crowd)
    assert (chosen.found, len(chosen.keypoints)) == (20, 2)
    heights = np.ptp(chosen.keypoints[:, 0, :, 1], axis=1)
    assert heights == pytest.approx([119 * 0.94, 118 * 0.94], rel=1e-3)


def test_a_track_that_begins_where_one_was_lost_continues_it():
    joined = clip(person(0, 15), person(25, 40, 130))
    assert (joined.found, len(joined.keypoints)) == (1, 1)
    assert joined.seen[0].tolist() == [True] * 15 + [False] * 10 + [True] * 15
    for other in (person(25, 40, 600), person(25, 40, scene=1), person(10, 40, 130)):
        assert clip(person(0, 15), other).found == 2


@pytest.mark.parametrize(
    ("other", "pair"),
    [
        (person(0, 40, 250), True),
        (person(0, 40, 900), False),  # in the same picture, and nowhere near
        (person(15, 40, 250), True),
        (person(35, 40, 250), False),  # for a quarter of a second
        (person(0, 40, 700, speed=-20), True),  # comes up, and is near for most of the time
    ],
)
def test_a_clip_of_two_is_one_in_which_two_are_near_each_other(other, pair):
    chosen = clip(person(0, 40, height=220), other)
    assert chosen.found == 2
    assert is_pair(chosen) == pair


def test_a_label_is_about_what_most_of_its_clips_show():
    pair, alone = clip(person(0, 40, 100), person(0, 40, 250)), clip(person(0, 40))
    assert people_of_label([pair, pair, alone]) == 2
    assert people_of_label([pair, alone]) == people_of_label([alone]) == 1


def test_what_a_clip_lacks():
    pair, alone = clip(person(0, 40, 100), person(0, 40, 250)), clip(person(0, 40))
    assert shortcoming(pair, 1) is shortcoming(pair, 2) is shortcoming(alone, 1) is None
    assert "only one" in shortcoming(alone, 2)
    assert "only one" in shortcoming(clip(person(0, 40), person(0, 8, 250)), 2)
    assert "seen for 0.4 s" in shortcoming(clip(person(0, 8)), 1)
    assert "4.0 frames a second, and it takes 5" in shortcoming(clip(person(0, 40), fps=4), 1)


def test_people_in_space_stay_there():
    space = np.random.default_rng(0).normal(size=(40, 17, 4)).astype(np.float32)
    here = person(0, 40)
    there = Trajectory(here.frames, here.keypoints, space)
    np.testing.assert_array_equal(clip(there).space[0], space)
    halves = [
        Trajectory(t.frames, t.keypoints, space[:20]) for t in (person(0, 20), person(20, 40))
    ]
    assert clip(*halves).space.shape == (1, 40, 17, 4)
    assert clip(halves[0], person(20, 40)).space is None


def test_a_body_of_one_joint_has_a_place():
    dot = np.zeros((40, 17, 3), np.float32)
    dot[:, 9] = (50, 50, 1)
    chosen = clip(Trajectory(np.arange(40), dot), person(0, 40, 60))
    assert isinstance(chosen, Skeletons)
    assert chosen.found == 2
