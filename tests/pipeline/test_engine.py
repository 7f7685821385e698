import dataclasses
import threading
from pathlib import Path

import numpy as np
import pytest

from pipeline.detect import Detector
from pipeline.engine import Pipeline, TrackingPipeline, is_cut
from pipeline.source import Frame, open_source
from pipeline.track import Tracker

CLIPS = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline()


def frames(name):
    with open_source(CLIPS / name) as source:
        return list(source)


@pytest.fixture(scope="module")
def walk():
    return frames("walk.mp4")


def results(pipeline, frames):
    """Results of a clip; ids count from 1 again, as in a new program."""
    pipeline.reset()
    pipeline.tracker = Tracker(pipeline.tracker.threshold, pipeline.tracker.max_tracks)
    return [pipeline(frame) for frame in frames]


def labels(results, person=None):
    """Labels shown, one a frame and action, of one person or of all."""
    return [
        action.label
        for result in results
        for action in result.actions
        if person is None or action.people == (person,)
    ]


def at_rate(frames, rate):
    """A 30 fps clip as a camera of another rate would have given it."""
    if rate == 60:
        twice = [(frame, half) for frame in frames for half in (0, 1)]
        return [
            Frame(2 * frame.index + half, frame.time + half / 60, frame.image)
            for frame, half in twice
        ]
    kept = frames[:: 30 // rate]
    return [dataclasses.replace(frame, index=i) for i, frame in enumerate(kept)]


def test_a_walk_is_a_walk(pipeline, walk):
    seen = results(pipeline, walk)
    assert all(len(result.people) == 1 for result in seen[5:])
    assert len({person.id for result in seen for person in result.people}) == 1
    shown = labels(seen)
    assert shown.count("walk") > 0.8 * len(shown)
    assert set(shown) <= {"walk", None}
    first = next(result.frame.time for result in seen if "walk" in labels([result]))
    assert 0.4 < first < 1.5


@pytest.mark.parametrize("rate", [15, 60])
def test_the_frame_rate_does_not_change_the_label(pipeline, walk, rate):
    shown = labels(results(pipeline, at_rate(walk, rate)))
    assert shown.count("walk") > 0.8 * len(shown)
    assert set(shown) <= {"walk", None}


def test_two_unrelated_people_keep_their_own_labels(pipeline):
    """A man does jumping jacks; a woman comes in after 40 frames and walks below him."""
    seen = results(pipeline, frames("two_people.mp4")[:140])
    assert {person.id for result in seen for person in result.people} == {1, 2}
    assert all(len(action.people) == 1 for result in seen for action in result.actions)
    walking = labels(seen[70:], person=2)
    assert walking.count("walk") > 0.7 * len(walking)
    assert "walk" not in labels(seen[:110], person=1)


def test_ids_stay_with_two_who_walk_apart(pipeline):
    seen = results(pipeline, frames("two_walkers.mp4"))
    assert {tuple(sorted(p.id for p in result.people)) for result in seen[5:]} == {(1, 2)}
    left = [min(result.people, key=lambda p: p.box[0]).id for result in seen[5:]]
    assert len(set(left)) == 1
    assert set(labels(seen)) <= {"walk", "walk away", None}


def test_people_can_be_tracked_without_a_classifier(pipeline, walk):
    tracking = TrackingPipeline(pose=pipeline.pose, detector=pipeline.detector)
    assert not hasattr(tracking, "classifier")
    for turn in range(2):
        tracking.reset()
        alone = [tracking.track(tracking.compare(frame)).people for frame in walk[:40]]
        both = [result.people for result in results(pipeline, walk[:40])]
        assert [len(people) for people in alone] == [len(people) for people in both], turn
        for (one,), (other,) in list(zip(alone, both, strict=True))[5:]:
            np.testing.assert_array_equal(one.keypoints, other.keypoints)


def test_nobody_is_in_an_empty_street(pipeline, walk):
    street = np.median([frame.image for frame in walk[::10]], axis=0).astype(np.uint8)
    seen = results(pipeline, [Frame(i, i / 30, street) for i in range(30)])
    assert all(not result.people and not result.actions for result in seen)


def test_a_still_person_gets_no_label_of_motion(pipeline, walk):
    frozen = [Frame(i, i / 30, walk[60].image) for i in range(90)]
    assert set(labels(results(pipeline, frozen))) == {None}


class Slow(Detector):
    """Keeps what it is given until it may answer."""

    def __init__(self):
        super().__init__()
        self.may_answer, self.given = threading.Event(), []
        self.may_answer.set()

    def __call__(self, image, *where):
        assert self.may_answer.wait(20)
        self.given.append(image)
        return super().__call__(image, *where)


def test_frames_do_not_wait_for_the_detector_and_it_sees_no_drawing(walk):
    pipeline = Pipeline(detector=Slow())
    for frame in walk[:8]:  # until she is followed, everybody waits
        pipeline(frame)
    pipeline.detector.may_answer.clear()
    pipeline.detector.given.clear()
    pipeline.search._changes.need_detector = lambda *_: True
    for frame in walk[8:13]:
        painted = dataclasses.replace(frame, image=frame.image.copy())
        assert len(pipeline(painted).people) == 1
        painted.image[:] = 0
    assert not pipeline.detector.given
    pipeline.detector.may_answer.set()
    pipeline(walk[13])
    (given,) = pipeline.detector.given
    assert any(np.array_equal(given, frame.image) for frame in walk[8:13])


def test_the_detector_does_not_run_while_nothing_changes(walk):
    pipeline = Pipeline(detector=Slow())
    for i in range(75):
        assert pipeline(Frame(i, i / 30, walk[60].image)).people or not i
    assert len(pipeline.detector.given) <= 2
    before = len(pipeline.detector.given)
    image = walk[60].image.copy()
    image[40:100, 20:50] = 0
    for i in range(75, 100):
        pipeline(Frame(i, i / 30, image.copy()))
    assert len(pipeline.detector.given) > before


def test_an_error_of_the_detector_is_raised(walk):
    pipeline = Pipeline()
    pipeline(walk[0])

    def fail(*_):
        raise RuntimeError("out of order")

    pipeline.detector = fail
    with pytest.raises(RuntimeError, match="out of order"):
        results(pipeline, walk[:20])


@pytest.mark.parametrize("overlapped", [True, False])
def test_an_error_of_a_stage_says_in_which_frame(walk, overlapped):
    pipeline = Pipeline()
    original = pipeline.windows.push

    def push(time, people):
        if time > 0.09:
            raise ZeroDivisionError
        original(time, people)

    pipeline.windows.push = push
    with pytest.raises(ZeroDivisionError) as error:
        list(pipeline.run(walk) if overlapped else map(pipeline, walk))
    assert error.value.__notes__ == ["in frame 3, at 0.100 s"]


def test_a_cut_resets_everything(pipeline, walk):
    other = frames("two_people.mp4")
    resized = [np.ascontiguousarray(frame.image[:442]) for frame in other[:30]]
    joined = [frame.image for frame in walk[:60]] + resized
    seen = results(pipeline, [Frame(i, i / 30, image) for i, image in enumerate(joined)])
    before = {person.id for result in seen[:60] for person in result.people}
    after = {person.id for result in seen[60:] for person in result.people}
    assert before and after and before.isdisjoint(after)
    assert not labels(seen[60:70])


def test_a_cut_is_not_a_change_of_light():
    rng = np.random.default_rng(0)
    scene, other = rng.uniform(0, 200, (2, 18, 32)).astype(np.float32)
    assert is_cut(scene, other)
    assert not is_cut(scene, scene + 50)
    assert not is_cut(scene, scene * 0.6)
