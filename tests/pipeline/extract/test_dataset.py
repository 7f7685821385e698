from dataclasses import replace

import numpy as np
import pytest

from models.data.annotations import Example
from models.data.recording import Recording
from pipeline.extract.dataset import Plan, assemble
from pipeline.extract.people import choose
from pipeline.extract.store import Store
from pipeline.extract.video import Settings
from tests.pipeline.extract.test_people import person


def example(name, label, *people, frames=40, fps=20):
    recording = Recording(np.arange(frames) / fps, (640, 480), list(people))
    return Example(name, label, choose(recording))


def alone(name, label, **changed):
    return example(name, label, person(0, 40), **changed)


def pair(name, label):
    return example(name, label, person(0, 40), person(0, 40, 250, height=190))


def shapes(data):
    return {made["frame_dir"]: len(made["keypoint"]) for made in data.annotations}


def remarks(found):
    return [str(remark) for remark in found]


def test_labels_of_one_and_of_two_people():
    examples = [pair("h1", "hug"), pair("h2", "hug"), alone("h3", "hug")]
    examples += [alone("w1", "walk"), pair("w2", "walk")]
    data = assemble(examples)
    assert shapes(data) == {"h1": 2, "h2": 2, "w1": 1, "w2": 1}
    assert data.classes == ["hug", "walk"]
    assert [made["label"] for made in data.annotations] == [0, 0, 1, 1]
    assert remarks(data.left_out) == [
        "h3: only one person was followed, and its label is about two"
    ]
    assert [str(label) for label in data.labels] == [
        "hug: 2 clips of two people, 4.0 s",
        "walk: 2 clips of one person, 4.0 s",
    ]


def test_the_number_of_people_may_be_given():
    examples = [pair("h1", "hug"), alone("w1", "walk"), pair("w2", "walk")]
    assert shapes(assemble(examples, people=1)) == {"h1": 1, "w1": 1, "w2": 1}
    both = assemble(examples, people=2)
    assert shapes(both) == {"h1": 2, "w2": 2}
    assert len(both.left_out) == 1


def test_clips_of_nothing_decide_for_themselves():
    data = assemble([pair("a", "nothing"), alone("b", "nothing"), alone("c", "nothing")])
    assert shapes(data) == {"a": 2, "b": 1, "c": 1}
    assert str(data.labels[0]) == "nothing: 3 clips of one person or two, 6.0 s"


def test_a_label_without_a_clip_is_no_class():
    data = assemble([example("a", "sit"), alone("b", "walk")])
    assert data.classes == ["walk"]
    assert data.annotations[0]["label"] == 0
    assert remarks(data.left_out) == ["a: nobody was found in it"]


def test_of_twenty_people_the_largest_are_taken_and_it_is_told():
    crowd = [person(0, 40, 30 * place, height=60) for place in range(18)]
    crowd += [person(0, 40, 60, height=190), person(0, 40, 300, height=180)]
    data = assemble([example("a", "walk", *crowd)], 1)
    (made,) = data.annotations
    height = np.ptp(made["keypoint"][0, 0, :, 1])
    assert made["keypoint"].shape[0] == 1 and height > 100
    told = "a: of 20 people, the largest who move were taken: one on the left"
    assert remarks(data.notes) == [told]
    assert remarks(assemble([example("a", "walk", *crowd)], 2).notes) == [
        f"{told} and one in the middle"
    ]
    assert not assemble([example("a", "walk", *crowd[-2:])]).notes


def test_what_is_odd_about_a_clip_is_told():
    brief = example("a", "walk", person(10, 28))
    whole = alone("b", "walk")
    damaged = replace(whole, skeletons=replace(whole.skeletons, problem="is damaged"))
    data = assemble([brief, damaged])
    assert len(data.annotations) == 2
    assert remarks(data.notes) == ["a: somebody was seen in 0.9 of 2.0 s", "b: is damaged"]
    assert data.annotations[0]["start"] == pytest.approx(0.5)
    assert data.annotations[0]["total_frames"] == 18


def test_a_split_has_its_clips_that_can_be_used():
    examples = [alone("a", "walk"), alone("b", "walk"), example("c", "walk"), pair("d", "hug")]
    named = zip(examples, ("train", None, "train", "test"), strict=True)
    data = assemble(replace(one, split=split) for one, split in named)
    assert data.splits == {"train": ["a"], "test": ["d"]}


@pytest.fixture
def plan_of(tmp_path):
    def make(**files):
        for name, text in files.items():
            path = tmp_path / "clips" / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Plan(tmp_path / "clips", Store(tmp_path / "store", Settings()))

    return make


def test_the_same_clip_twice_is_used_once(plan_of):
    plan = plan_of(walk__a="1", walk__b="1", walk__c="2")
    assert [clip.name for clip in plan.clips.values()] == ["walk/a", "walk/c"]
    assert remarks(plan.left_out) == ["walk/b: it is walk/a again"]
    assert (plan.found, sum(plan.sizes.values())) == (3, 2)


def test_the_same_clip_under_two_labels_is_not_used(plan_of):
    plan = plan_of(run__a="1", walk__a="1", walk__b="1", walk__c="2")
    assert [clip.name for clip in plan.clips.values()] == ["walk/c"]
    assert list(plan.sizes) == list(plan.missing), "they are not waited for"
    assert sorted(remarks(plan.left_out)) == [
        "run/a: it is walk/a, with the label walk",
        "walk/a: it is run/a, with the label run",
        "walk/b: it is run/a, with the label run",
    ]


def test_what_is_done_is_not_missing(plan_of, tmp_path):
    plan = plan_of(walk__a="1", walk__b="2")
    one, other = plan.clips
    Store(tmp_path / "store", Settings()).put(one, alone("a", "walk").skeletons)
    plan = plan_of()
    assert list(plan.missing) == [other]
    assert [e.name for e in plan.examples()] == ["walk/a"]
    plan.add(other, "it is no video")
    assert not plan.missing
    assert remarks(plan.left_out) == ["walk/b: it is no video"]
