import threading
import time
import tracemalloc
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from pipeline.detect import Detections
from pipeline.engine import Pipeline
from pipeline.overlap import QUEUE_SIZE, Inline, in_turn, overlap
from pipeline.source import Frame, open_source
from tests.pipeline.bodies import body, box_of

CLIPS = Path(__file__).parents[1] / "data"


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not [t for t in threading.enumerate() if t.name.startswith("stage")]


def jitter(item):
    time.sleep(0.0005 * (item * 7919 % 5))
    return item


def test_nothing_is_lost_or_reordered():
    given = range(400)
    assert list(overlap(given, jitter, lambda x: -x, jitter)) == [-x for x in given]


def test_in_turn_is_the_same_without_a_thread():
    threads = set()

    def noted(item):
        threads.add(threading.current_thread())
        return -item

    assert list(in_turn(range(5), noted, abs)) == list(range(5))
    assert threads == {threading.current_thread()}


def test_an_executor_without_a_thread_keeps_results_and_errors():
    assert Inline().submit(divmod, 7, 2).result() == (3, 1)
    with pytest.raises(ZeroDivisionError):
        Inline().submit(divmod, 7, 0).result()


def test_without_stages_or_items():
    assert list(overlap("abc")) == ["a", "b", "c"]
    assert list(overlap([], str)) == []


def test_stages_are_at_work_at_the_same_time():
    both = threading.Barrier(2, timeout=20)

    def meet(item):
        both.wait()
        return item

    # Each stage waits for the other, which has the item before or after.
    assert list(overlap(range(2), lambda x: meet(x) if x else x, lambda x: x if x else meet(x)))


def test_fast_stages_wait_for_slow_ones():
    made = []
    with closing(overlap(iter(lambda: made.append(0) or len(made), None), jitter)) as results:
        next(results)
        time.sleep(0.2)
        assert len(made) <= 1 + 2 * (QUEUE_SIZE + 1)


class Broken(Exception):
    pass


def fail_at(number):
    def stage(item):
        if item == number:
            raise Broken(f"at {item}")
        return item

    return stage


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_error_in_a_stage_ends_the_run(place):
    stages = [jitter, jitter, jitter]
    stages[place] = fail_at(20)
    with pytest.raises(Broken, match="at 20"):
        list(overlap(count(), *stages))


def count():
    number = 0
    while True:
        yield number
        number += 1


def test_an_error_in_reading_ends_the_run():
    def items():
        yield 1
        raise Broken("file")

    with pytest.raises(Broken, match="file"):
        list(overlap(items(), jitter))


def test_an_error_in_the_consumer_ends_the_run():
    with pytest.raises(Broken), closing(overlap(count(), jitter)) as results:
        for item in results:
            if item == 10:
                raise Broken


def test_ctrl_c_ends_the_run():
    with pytest.raises(KeyboardInterrupt), closing(overlap(count(), jitter)) as results:
        for item in results:
            if item == 3:
                raise KeyboardInterrupt


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline()


def joined(*names):
    """Clips one after the other, cut to one size: with a change of scene between them."""
    images = []
    for name in names:
        with open_source(CLIPS / name, stride=2) as source:
            images += [np.ascontiguousarray(frame.image[:442, :1280]) for frame in source][:50]
    return [Frame(i, i / 15, image) for i, image in enumerate(images)]


def same(a, b):
    return (
        a.frame is b.frame
        and [p.id for p in a.people] == [p.id for p in b.people]
        and all(
            np.array_equal(p.keypoints, q.keypoints)
            for p, q in zip(a.people, b.people, strict=True)
        )
        and [(x.people, x.label, x.score) for x in a.actions]
        == [(x.people, x.label, x.score) for x in b.actions]
        and all(
            np.array_equal(x.scores, y.scores) for x, y in zip(a.actions, b.actions, strict=True)
        )
    )


@pytest.mark.slow
def test_a_run_is_the_calls_one_after_the_other(pipeline):
    frames = joined("two_people.mp4", "walk.mp4")
    alone = [Pipeline(), pipeline]
    expected = [alone[0](frame) for frame in frames]
    found = list(alone[1].run(frames))
    assert len(found) == len(frames)
    assert all(same(a, b) for a, b in zip(found, expected, strict=True))
    assert any(result.actions for result in found[50:])
    assert {p.id for r in found[:50] for p in r.people}.isdisjoint(
        p.id for r in found[50:] for p in r.people
    )


def test_further_stages_get_the_results(pipeline):
    frames = joined("walk.mp4")[:10]
    pipeline.reset()
    assert list(pipeline.run(frames, lambda r: r.frame, lambda f: f.time)) == [
        frame.time for frame in frames
    ]


def test_a_pipeline_can_be_used_again_after_an_error(pipeline):
    frames = joined("walk.mp4")[:10]
    pipeline.reset()
    with pytest.raises(Broken):
        list(pipeline.run(frames, lambda result: fail_at(4)(result.frame.index)))
    pipeline.reset()
    assert len(list(pipeline.run(frames))) == 10


class Actor:
    """Stands in for the pose estimator: one person who walks to and fro."""

    threshold = 0.3

    def detect(self, image, views, tracked):
        """Stands in for the detector."""
        keypoints = self(image, views[:1], None)
        return Detections(box_of(keypoints[0])[None], keypoints)

    def __call__(self, image, boxes, turns):
        pose = body(100 + int(image[0, 0, 0]), 100)
        return np.repeat(pose[None], len(boxes), axis=0)


@pytest.mark.training
def test_memory_stays_flat_over_thousands_of_frames():
    """A leak of pictures, tracks, windows or states would fill it."""
    pipeline = Pipeline(pose=Actor(), detector=Actor().detect)
    sizes = []

    def frames():
        for i in range(3000):
            yield Frame(i, i / 30, np.full((24, 40, 3), abs(i % 120 - 60), np.uint8))

    tracemalloc.start()
    for result in pipeline.run(frames()):
        if result.frame.index in (300, 1500, 2999):
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert [person.id for person in result.people] == [1] and result.actions
    assert max(sizes) - sizes[0] < 200_000  # 2,700 frames of keypoints alone would be 550,000
