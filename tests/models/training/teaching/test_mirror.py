"""Mirrored windows, and labels that are each other's mirror image."""

import numpy as np

from models.data.pyskl import Clip
from models.training.teaching.course import windows_of
from models.training.teaching.mirror import are_mirrored, mirror
from tests.skeletons import act


def clip(action, seed):
    points = act(action, 60, np.random.default_rng(seed))
    keypoints = np.concatenate([points, np.ones((60, 17, 1))], axis=-1).astype(np.float32)
    return Clip(f"own/{seed}", "", np.arange(60) / 30, keypoints[None], 50.0)


def mirrored(clips, labels):
    return are_mirrored(
        [windows_of(one) for one in clips], [windows_of(mirror(one)) for one in clips], labels
    )


def test_a_clip_mirrored_twice_is_the_same():
    one = clip(0, 0)
    assert np.array_equal(mirror(mirror(one)).keypoints, one.keypoints)
    assert np.abs(mirror(one).keypoints - one.keypoints).max() > 1


def test_left_and_right_are_mirrored_and_others_are_not():
    left = [clip(0, seed) for seed in range(4)]
    right = [mirror(clip(0, seed)) for seed in range(4, 8)]
    squat = [clip(1, seed) for seed in range(4)]
    assert mirrored([*left, *right], ["left"] * 4 + ["right"] * 4)
    assert not mirrored([*left, *squat], ["wave"] * 4 + ["squat"] * 4)
    assert not mirrored(left, ["wave"] * 4)
    assert not mirrored(left[:1], ["wave"])
