import numpy as np
import pytest

from models.data import annotations, pyskl
from models.errors import UserError
from pipeline.web import takes as limits
from pipeline.web.intake import write_takes
from pipeline.web.takes import Takes, from_clips, read_label, thinned
from tests.pipeline.web.lessons import SQUAT, skeletons


def test_takes_are_kept_by_label_and_thrown_away_one_by_one():
    takes = Takes()
    first = takes.add("wave", skeletons())
    takes.add("squat", skeletons(SQUAT))
    takes.add(" wave ", skeletons(seed=1))
    assert {label: len(found) for label, found in takes.by_label().items()} == {
        "wave": 2,
        "squat": 1,
    }
    assert [example.name for example in takes.examples()] == ["wave/1", "wave/2", "squat/1"]
    assert takes.find(first.id) is first and first.seconds == pytest.approx(44 / 15)
    takes.remove(first.id)
    with pytest.raises(UserError, match="not here any more"):
        takes.find(first.id)
    takes.remove_label("wave")
    assert list(takes.by_label()) == ["squat"]


def test_a_take_must_show_somebody_long_enough():
    empty = skeletons()
    empty.keypoints[..., 2] = 0
    with pytest.raises(UserError, match=r"the take was not kept: somebody was seen for 0\.0 s"):
        Takes().add("wave", empty)
    with pytest.raises(UserError, match="frames a second"):
        Takes().add("wave", skeletons(rate=2))


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("MAX_LABELS", 1, "there are 1 actions already"),
        ("MAX_TAKES", 1, "wave has 1 takes already"),
        ("MAX_SECONDS", 2.0, "a take may last 2 seconds"),
        ("MAX_TOTAL", 5.0, "all takes together"),
    ],
)
def test_limits_are_said_in_words(monkeypatch, limit, value, words):
    monkeypatch.setattr(limits, limit, value)
    takes = Takes()
    with pytest.raises(UserError, match=words):
        for label in ("wave", "wave", "squat"):
            takes.add("other" if limit == "MAX_LABELS" else label, skeletons(frames=30))
            takes.add(label, skeletons(frames=45))


@pytest.mark.parametrize(
    ("text", "label"), [("  star \n jump ", "star jump"), ("🎾", "🎾"), ("a/b", "a/b")]
)
def test_a_label_is_one_line(text, label):
    assert read_label(text) == label


@pytest.mark.parametrize(("text", "why"), [("  ", "name the action"), ("x" * 61, "60 characters")])
def test_some_labels_are_none(text, why):
    with pytest.raises(UserError, match=why):
        read_label(text)


def test_fast_clips_are_thinned():
    fast = thinned(skeletons(frames=240, rate=120.0))
    assert len(fast.times) == fast.keypoints.shape[1] == 60
    assert len(thinned(skeletons()).times) == 45


def test_takes_are_the_same_after_a_data_set(tmp_path):
    takes = Takes()
    takes.add("wave", skeletons())
    takes.add("squat", skeletons(SQUAT))
    assert write_takes(tmp_path / "mine.pkl", takes.examples()) == []
    again = dict(from_clips(pyskl.read(tmp_path / "mine.pkl").clips.values()))
    assert again.keys() == {"wave", "squat"}
    assert np.allclose(again["wave"].keypoints, skeletons().keypoints)
    assert np.allclose(again["wave"].times, skeletons().times)


def test_a_pair_stays_a_pair_after_a_data_set(tmp_path):
    one = skeletons()
    both = np.concatenate([one.keypoints, one.keypoints + np.float32([90, 0, 0])])
    both[..., 2] = 1
    pair = [
        annotations.Example("hug/1", "hug", type(one)(one.times, (640, 480), both, None, 2, 1.0))
    ]
    write_takes(tmp_path / "mine.pkl", pair)
    ((_, found),) = from_clips(pyskl.read(tmp_path / "mine.pkl").clips.values())
    assert found.keypoints.shape[0] == 2 and found.near == 1.0
