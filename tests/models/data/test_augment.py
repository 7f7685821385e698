import numpy as np
import pytest

from models.data.augment import Augmentation, bone_lengths, mirrored, sway
from models.skeleton import BONES, FLIP
from tests.skeletons import act

RNG = np.random.default_rng


def people(count=2, frames=60):
    """Points [P, 60, 17, 3] in torso lengths."""
    points = np.stack([act(0, frames, RNG(seed)) for seed in range(count)])
    torso = np.linalg.norm(points[0, :, 5] - points[0, :, 11], axis=-1).mean()
    points = np.concatenate([points / torso, np.ones((*points.shape[:-1], 1), np.float32)], axis=-1)
    points[..., 0] += 2 * np.arange(count)[:, None, None]
    return points.astype(np.float32)


def run(points, seed=0, **amounts):
    augmentation, rng = Augmentation(**amounts), RNG(seed)
    return augmentation.corrupt(augmentation.transform(points, 30.0, rng), 30.0, rng)


def test_without_augmentation_only_the_order_of_people_changes():
    points = people()
    for seed in range(8):
        result = run(points, seed)
        assert np.array_equal(result, points) or np.array_equal(result, points[::-1])


@pytest.mark.parametrize(
    "amounts",
    [
        *({"turn": 0.9}, {"roll": 0.3}, {"stretch": 0.3}, {"proportions": 0.2}, {"head": 0.1}),
        *(
            {"depth": 0.3},
            {"pan": 0.5},
            {"jitter": 0.05},
            {"sway": 0.05},
            {"mirror": True},
            {"slips": 1.0},
        ),
        *({"swaps": 1.0}, {"dropout": 0.3}, {"parts": 1.0}, {"cut": 1.0}, {"clash": 1.0}),
        *({"legs": 1.0}, {"hidden": 1.0}),
    ],
)
def test_each_augmentation_changes_something_and_repeats_with_its_seed(amounts):
    points = people()
    points[1, :, :, :2] += points[0, :, 5:6, :2] - points[1, :, 5:6, :2] + 0.1  # they overlap
    before = points.copy()
    results = [run(points, seed, **amounts) for seed in range(6)]
    assert np.array_equal(points, before)
    plain = [run(points, seed) for seed in range(6)]
    assert any(
        not np.array_equal(a, b, equal_nan=True) for a, b in zip(results, plain, strict=True)
    )
    assert np.array_equal(run(points, 3, **amounts), results[3], equal_nan=True)
    for result in results:
        assert (result[np.isnan(result[..., 0]), 2] == 0).all()


def test_a_mirror_twice_is_nothing_and_once_exchanges_the_sides():
    points = people(1)
    assert np.allclose(mirrored(mirrored(points)), points)
    once = mirrored(points)
    assert np.allclose(once[0, :, 9, 0], -points[0, :, FLIP[9], 0])
    assert np.allclose(once[0, :, 9, 1:], points[0, :, FLIP[9], 1:])


def test_turning_narrows_the_shoulders_and_keeps_heights():
    points = people(1)
    widths = []
    for seed in range(20):
        turned = run(points, seed, turn=1.0)
        assert np.allclose(turned[..., 1], points[..., 1], atol=1e-5)
        widths.append(np.abs(turned[0, 0, 5, 0] - turned[0, 0, 6, 0]))
    full = np.abs(points[0, 0, 5, 0] - points[0, 0, 6, 0])
    assert max(widths) < 1.1 * full
    assert min(widths) < 0.8 * full


def test_rolling_keeps_every_length():
    points = people()
    length = [np.linalg.norm(points[..., a, :2] - points[..., b, :2], axis=-1) for a, b in BONES]
    for seed in range(4):
        rolled = run(points, seed, roll=0.4)
        rolled = rolled if abs(rolled[0, 0, 5, 0]) < abs(rolled[1, 0, 5, 0]) else rolled[::-1]
        for (a, b), before in zip(BONES, length, strict=True):
            after = np.linalg.norm(rolled[..., a, :2] - rolled[..., b, :2], axis=-1)
            assert np.allclose(sorted(after[:, 0]), sorted(before[:, 0]), atol=1e-4)


def test_proportions_change_bones_and_leave_the_hips_in_their_place():
    points = people(1)
    changed = run(points, 2, proportions=0.2)
    arm = [np.linalg.norm(p[0, :, 7, :2] - p[0, :, 5, :2], axis=-1) for p in (points, changed)]
    ratio = arm[1] / arm[0]
    assert np.allclose(ratio, ratio[0], atol=1e-3)
    assert abs(ratio[0] - 1) > 0.01
    hips = [p[0, :, [11, 12], :2].mean(axis=0) for p in (points, changed)]
    assert np.allclose(*hips, atol=1e-4)


def test_other_bone_lengths_keep_the_motion():
    points, other = people(1), people(1, 40)
    other[..., :2] *= 1.3
    other[:, :, [9, 10], :2] += 0.4 * (other[:, :, [9, 10], :2] - other[:, :, [7, 8], :2])
    lengths = bone_lengths(other[0, ..., :2])
    augmentation = Augmentation(bodies=1.0)
    changed = augmentation.transform(points, 30.0, RNG(0), lengths[None])
    assert np.allclose(
        bone_lengths(changed[0, ..., :2])[5:], lengths[5:], rtol=1e-3, equal_nan=True
    )
    forearms = [p[0, :, 9, :2] - p[0, :, 7, :2] for p in (points, changed)]
    angles = [np.arctan2(bone[:, 1], bone[:, 0]) for bone in forearms]
    assert np.allclose(*angles, atol=1e-4)
    assert np.array_equal(augmentation.transform(points, 30.0, RNG(0)), points)


def test_a_panning_camera_moves_all_people_alike():
    points = people(2)
    moved = [run(points, seed, pan=1.0) for seed in range(6)]
    shifts = []
    for result in moved:
        result = result if result[0, 0, 5, 0] < result[1, 0, 5, 0] else result[::-1]
        shift = (result - points)[..., :2]
        assert np.allclose(shift, shift[:1, :, :1], atol=1e-4)
        shifts.append(np.ptp(shift, axis=1).max())
    assert max(shifts) > 0.5


def test_sway_is_smooth_and_jitter_is_not():
    rng = RNG(0)
    slow = sway((300, 5), 30.0, rng)
    white = rng.standard_normal((300, 5))
    assert slow.std() == pytest.approx(0.8, abs=0.2)
    assert np.abs(np.diff(slow, axis=0)).mean() < 0.25 * np.abs(np.diff(white, axis=0)).mean()


def test_a_cut_removes_the_joints_beyond_a_line():
    points = people(1)
    below = 0
    for seed in range(20):
        seen = run(points, seed, cut=1.0)[0, :, :, 2] > 0
        assert seen.any()
        below += not seen[:, 15].any() and seen[:, 5].all()
    assert below > 5


def test_speed_is_spread_evenly_about_one():
    rng, augmentation = RNG(0), Augmentation(speed=0.4)
    speeds = [augmentation.draw_speed(rng) for _ in range(500)]
    assert 1 / 1.4 <= min(speeds) < 0.75
    assert 1.35 < max(speeds) <= 1.4
    assert np.median(speeds) == pytest.approx(1, abs=0.05)


def test_legs_are_missing_throughout_and_the_hips_half_as_often():
    points = people()
    hips = 0
    for seed in range(20):
        seen = run(points, seed, legs=1.0)[..., 2] > 0
        assert not seen[..., 13:].any() and seen[..., 5:11].all()
        assert seen[..., 11:13].all() or not seen[..., 11:13].any()
        hips += seen[..., 11].all()
    assert 4 < hips < 16


@pytest.mark.parametrize("touch", [20, None])
def test_one_of_two_people_is_hidden_from_when_they_touch(touch):
    points = people(frames=120)
    points[1, :, :, :2] += points[0, :, 5:6, :2] - points[1, :, 5:6, :2]
    points[1, :touch, :, 0] += 3.0
    ends = set()
    for seed in range(30):
        gone = np.isnan(Augmentation(hidden=1.0).corrupt(points, 30.0, RNG(seed))[..., 0])
        gone = gone[..., 5]
        assert sorted(gone.any(axis=1)) == [False, True]
        frames = np.flatnonzero(gone.any(axis=0))
        assert np.ptp(frames) + 1 == len(frames)
        assert frames[0] == touch if touch else frames[0] >= 60
        assert len(frames) >= 9 or frames[-1] == 119
        ends.add(frames[-1] == 119)
    assert ends == {False, True}


def test_a_person_alone_is_never_hidden():
    assert not np.isnan(Augmentation(hidden=1.0).corrupt(people(1), 30.0, RNG(0))[..., 5, 0]).any()


def test_the_depth_of_a_person_who_is_alone_stays():
    """Of two people in a scene, one may be absent in all frames that are kept."""
    points = np.ones((2, 8, 17, 3), np.float32)
    points[1] = np.nan
    changed = Augmentation(depth=0.5).transform(points, 30.0, np.random.default_rng(0))
    assert not np.isnan(changed[..., :2]).all()
