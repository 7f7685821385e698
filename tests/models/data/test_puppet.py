import numpy as np
import pytest
from mmengine.config import Config

from models.action.label import NOTHING, Label
from models.data.puppet.body import Puppet
from models.data.puppet.clips import ALONE, KNOWN, TOGETHER, perform
from models.skeleton import FACE
from models.training.recipes import puppet_clips

LIMBS = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16))


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
