import numpy as np
import pytest
from mmengine.config import Config

from models.action.label import NOTHING, Label
from models.data.puppet.body import FPS, Puppet
from models.data.puppet.clips import ALONE, KNOWN, TOGETHER, perform
from models.files import CONFIGS
from models.skeleton import FACE
from models.training.recipes import puppet_clips

LIMBS = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16))


def acted(label, count=30, seconds=2.6):
    """Joints in space, [count, F, 17, 3], (left, up, forward), in torso lengths."""
    clips = []
    for seed in range(count):
        puppet = Puppet(seconds, np.random.default_rng(seed))
        ALONE[label](puppet)
        clips.append(puppet.skeleton())
    return np.stack(clips)


def middle(points, *joints):
    return points[:, :, list(joints)].mean(axis=2)


def upright(points):
    """Height of the shoulders over the hips, [count, F]: 1 upright, 0 lying."""
    return (middle(points, 5, 6) - middle(points, 11, 12))[..., 1]


def performances(label, count=40):
    return [perform(label, number) for number in range(count)]


def height(clip):
    """Height of the hips over the ankles, torso lengths [F]; y is down."""
    xy = clip.keypoints[0, ..., 1]
    return xy[:, 15:].mean(axis=1) - xy[:, 11:13].mean(axis=1)


def apart(clip):
    hips = clip.keypoints[:, :, 11:13, :2].mean(axis=2)
    return np.linalg.norm(hips[0] - hips[1], axis=1)


@pytest.mark.parametrize("label", sorted(KNOWN))
def test_every_action_is_a_clip_of_people_without_faces(label):
    for number in range(5):
        clip = perform(label, number)
        people, frames = clip.keypoints.shape[:2]
        assert people == (2 if label in TOGETHER else 1)
        assert clip.label == label
        assert 1.5 < clip.times[-1] < 3.3
        assert len(clip.times) == frames
        assert np.isfinite(clip.keypoints).all()
        assert np.abs(clip.keypoints[..., :2]).max() < 60
        seen = clip.keypoints[..., 2] > 0
        assert not seen[..., list(FACE)].any()
        assert seen.sum(axis=-1).min() == 13


def test_a_performance_is_a_function_of_its_number():
    one, same, other = (perform("wave", number).keypoints for number in (3, 3, 4))
    assert np.array_equal(one, same)
    assert one.shape != other.shape or not np.array_equal(one, other)


@pytest.mark.parametrize("label", sorted(ALONE))
def test_bones_keep_their_lengths_in_space(label):
    for seed in range(5):
        puppet = Puppet(2.0, np.random.default_rng(seed))
        ALONE[label](puppet)
        points = puppet.skeleton()
        for a, b in LIMBS:
            length = np.linalg.norm(points[:, a] - points[:, b], axis=1)
            assert np.ptp(length) < 1e-6


def test_actions_are_what_they_are_called():
    for label, way in (("sit down", 1), ("stand up", -1)):
        assert all(
            height(c)[::way][-3:].mean() < 0.85 * height(c)[::way][:3].mean()
            for c in performances(label)
        )
    assert all(apart(c)[-1] < apart(c)[0] for c in performances("approach"))
    assert all(apart(c)[-1] > apart(c)[0] for c in performances("walk away"))
    near = {label: np.median([apart(c).min() for c in performances(label)]) for label in TOGETHER}
    assert min(near, key=near.get) == "hug"
    hands = {
        label: np.mean(
            [
                np.linalg.norm(np.ptp(c.keypoints[0, :, 9:11, :2], axis=0), axis=-1).max()
                for c in performances(label)
            ]
        )
        for label in ("wave", "pour", "throw")
    }
    assert hands["pour"] < hands["wave"]
    assert hands["pour"] < hands["throw"]


@pytest.mark.parametrize("pairs", [True, False])
def test_a_config_chooses_what_puppets_perform(pairs):
    settings = {"puppets": 2, "puppet_pairs": pairs}
    labels = [Label("wave", 1), Label("hug", 2), Label("yodel", 1)]
    clips = puppet_clips(Config({"finetune": settings}), labels)
    expected = [NOTHING, "wave"] + (["hug"] if pairs else [])
    assert [clip.label for clip in clips] == [name for name in expected for _ in range(2)]


def test_nothing_can_be_performed_and_an_unknown_label_cannot():
    assert NOTHING in KNOWN
    with pytest.raises(KeyError):
        perform("yodel", 0)


def test_the_vocabulary_can_be_performed():
    labels = Config.fromfile(CONFIGS / "live.py").finetune.labels
    assert {label["name"] for label in labels} <= KNOWN


def test_jumping_jacks_and_ropes_lift_the_feet():
    jack, rope = acted("jumping jack"), acted("jump rope")
    feet = np.linalg.norm(jack[:, :, 15] - jack[:, :, 16], axis=-1)
    assert (np.ptp(feet, axis=1) > 0.25).all()
    wide = np.array([feet[n] > np.median(feet[n]) for n in range(len(feet))])
    hands = middle(jack, 9, 10)[..., 1]
    assert all(hands[n][wide[n]].mean() > hands[n][~wide[n]].mean() + 0.3 for n in range(30))
    assert (np.ptp(rope[:, :, 15, 1], axis=1) > 0.04).all()
    assert (np.ptp(rope[..., 0, :], axis=1)[:, [0, 2]] < 0.4).all()


@pytest.mark.parametrize("label", ["squat", "lunge"])
def test_hips_sink_in(label):
    hips = middle(acted(label), 11, 12)[..., 1]
    assert (np.ptp(hips, axis=1) > 0.3).all()
    assert (hips.min(axis=1) > 0.1).all()


def test_lunges_part_the_feet_and_squats_do_not_move_them():
    squat, lunge = (
        np.linalg.norm(points[:, :, 15] - points[:, :, 16], axis=-1)
        for points in (acted("squat"), acted("lunge"))
    )
    assert (np.ptp(squat, axis=1) < 0.2).all()
    assert (lunge.max(axis=1) > 0.9).all()


def test_push_ups_are_horizontal_with_still_hands_below_the_shoulders():
    points = acted("push up")
    assert (upright(points).mean(axis=1) < 0.65).all()
    hands, shoulders = middle(points, 9, 10)[..., 1], middle(points, 5, 6)[..., 1]
    assert (hands < shoulders).all()
    assert (np.ptp(shoulders, axis=1) > 2 * np.ptp(hands, axis=1)).all()


def test_sit_ups_raise_the_torso_from_the_floor():
    high = upright(acted("sit up", seconds=4.0))
    assert (high.min(axis=1) < 0.2).all()
    assert (high.max(axis=1) > 0.4).all()


def test_weights_rise():
    hands = acted("lift weights")[:, :, 9:11, 1]
    assert (np.ptp(hands, axis=1).max(axis=-1) > 0.3).all()


def test_raised_hands_are_above_the_shoulders_and_still():
    points = acted("raise a hand")
    above = (points[:, :, 9:11, 1] > points[:, :, 5:7, 1]).mean(axis=1).max(axis=-1)
    assert (above > 0.25).all()


def test_pointing_arms_are_straight():
    points = acted("point")
    reach = np.linalg.norm(points[:, :, 9:11] - points[:, :, 5:7], axis=-1)
    arms = np.linalg.norm(points[:, :, 7:9] - points[:, :, 5:7], axis=-1) + np.linalg.norm(
        points[:, :, 9:11] - points[:, :, 7:9], axis=-1
    )
    moves = np.ptp(points[:, :, 9:11], axis=1).max(axis=-1) > 0.4
    assert moves.any(axis=1).mean() > 0.9
    assert ((reach / arms).max(axis=(1, 2)) > 0.85).all()


@pytest.mark.parametrize("label", ["drink", "phone call"])
def test_hands_come_to_the_head_in(label):
    points = acted(label)
    near = np.linalg.norm(points[:, :, 9:11] - points[:, :, :1], axis=-1).min(axis=(1, 2))
    assert (near < 0.6).all()


def test_nothing_keeps_the_hands_off_the_head():
    points = acted(NOTHING)
    assert (np.linalg.norm(points[:, :, 9:11] - points[:, :, :1], axis=-1) > 0.4).all()
    assert (points[:, :, 9:11, 1].mean(axis=1) < points[:, :, 5:7, 1].mean(axis=1)).all()


def test_a_swipe_crosses_the_body():
    points = acted("swipe")
    path = np.ptp(points[:, :, 9:11, 0], axis=1)
    assert (path.max(axis=-1) > 0.5).all()
    assert (path.min(axis=-1) < 0.3).all()


def test_crossed_arms_exchange_their_sides_and_guitars_keep_them():
    crossed = acted("cross arms")
    apart = crossed[:, :, 9, 0] - crossed[:, :, 10, 0]
    assert (apart.min(axis=1) < 0).all()
    guitar = acted("play guitar")
    assert (guitar[:, :, 9, 0] > guitar[:, :, 10, 0]).mean() > 0.95
    assert (np.ptp(guitar[:, :, 9:11, 1], axis=1).max(axis=-1) > 0.04).all()


def test_bats_are_held_in_both_hands():
    points = acted("swing a bat")
    apart = np.linalg.norm(points[:, 20:, 9] - points[:, 20:, 10], axis=-1)
    assert (apart.mean(axis=1) < 0.4).all()
    assert (np.ptp(middle(points, 9, 10)[..., 0], axis=1) > 0.4).all()


def test_pitches_are_one_handed_and_take_a_step():
    points = acted("pitch or bowl")
    assert (np.ptp(points[:, :, 15:17, 2], axis=1).max(axis=-1) > 0.5).all()
    assert (np.ptp(points[:, :, 9:11], axis=1).max(axis=(1, 2)) > 1.0).all()


def test_basketballs_leave_above_the_head():
    points = acted("shoot a basketball")
    over = (points[:, :, 9:11, 1] - points[:, :, :1, 1]).max(axis=1)
    assert (over.max(axis=-1) > 0.1).all()


def test_falls_are_fast_and_lying_down_is_slow_and_both_end_on_the_floor():
    length = {}
    for label in ("fall down", "lie down"):
        points = acted(label, 60)
        high = middle(points, 5, 6)[..., 1]
        assert (high[:, -1] < (0.9 if label == "fall down" else 1.2)).all()
        assert (np.abs(upright(points)[:, -1]) < 0.6).all()
        top, last = high.max(axis=1, keepdims=True), high[:, -1:]
        falling = (high < 0.9 * top + 0.1 * last) & (high > 0.1 * top + 0.9 * last)
        length[label] = falling.sum(axis=1) / FPS
    assert (length["fall down"] < 1.0).all()
    assert np.median(length["lie down"]) > 2 * np.median(length["fall down"])
