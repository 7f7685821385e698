import numpy as np
import pytest

from pipeline.detect import Detections
from pipeline.person import KEEP_LOST, REPORT_LOST
from pipeline.track import Tracker
from tests.pipeline.bodies import body, box_of

RATE = 30


class Scene:
    """Bodies that move, seen by a perfect detector and a pose stage that takes the nearest body."""

    def __init__(self, tracker=None):
        self.tracker = tracker or Tracker(threshold=0.3)
        self.detections = 0

    def show(self, time, bodies):
        if self.tracker.detection_due(time):
            self.detections += 1
            poses = np.array(bodies, np.float32).reshape(-1, 17, 3)
            boxes = np.array([box_of(pose) for pose in poses], np.float32).reshape(-1, 5)
            self.tracker.add_detections(time, Detections(boxes, poses))
        boxes = self.tracker.crops(time)
        return self.tracker.update(time, np.array([self.pose(box, bodies) for box in boxes]))

    def pose(self, box, bodies):
        """The body nearest to the middle of the box, as a single-person network sees it."""
        middle = (box[:2] + box[2:]) / 2
        inside = [b for b in bodies if np.abs(b[[11, 12], :2].mean(0) - middle).max() < 100]
        if not inside:
            return np.zeros((17, 3), np.float32)
        return min(inside, key=lambda b: np.linalg.norm(b[[11, 12], :2].mean(0) - middle))


def ids_at(people, bodies):
    """The id found at each body, or None."""

    def holder(wanted):
        for person in people:
            if np.allclose(person.keypoints, wanted):
                return person.id
        return None

    return [holder(b) for b in bodies]


def test_two_people_keep_their_ids_while_they_cross():
    scene = Scene()
    first = last = None
    for i in range(90):
        bodies = [body(100 + 4 * i), body(460 - 4 * i, height=190)]
        if 40 <= i <= 50:
            bodies.pop()  # the one behind is hidden
        found = ids_at(scene.show(i / RATE, bodies), bodies)
        first = first or (found if None not in found else None)
        last = found
    assert first == [1, 2]
    assert last == [1, 2]


def test_a_second_of_occlusion_does_not_change_the_id():
    scene = Scene()
    for i in range(90):
        bodies = [body(150), body(300 + i)]
        if 30 <= i < 60:
            bodies.pop()
        people = scene.show(i / RATE, bodies)
        if 30 + REPORT_LOST * RATE + 1 < i < 60:
            assert [person.id for person in people] == [1]
    assert ids_at(people, bodies) == [1, 2]


def test_a_person_lost_for_longer_gets_a_new_id():
    scene = Scene()
    scene.show(0, [body(150), body(400)])
    gone = int((KEEP_LOST + 0.2) * RATE)
    for i in range(1, gone):
        scene.show(i / RATE, [body(150)])
    people = scene.show(gone / RATE, [body(150), body(400)])
    for i in range(1, 10):
        people = scene.show((gone + i) / RATE, [body(150), body(400)])
    assert sorted(person.id for person in people) == [1, 3]


def test_missed_detections_end_no_track():
    scene = Scene()
    scene.show(0, [body(150), body(400)])
    tracker = scene.tracker
    for i in range(1, 60):
        time = i / RATE
        bodies = [body(150 + i), body(400)]
        if tracker.detection_due(time):
            tracker.add_detections(time, Detections(np.zeros((0, 5)), np.zeros((0, 17, 3))))
        poses = [scene.pose(box, bodies) for box in tracker.crops(time)]
        people = tracker.update(time, np.array(poses))
        assert ids_at(people, bodies) == [1, 2]


def test_two_tracks_never_hold_the_same_skeleton():
    tracker = Tracker(threshold=0.3)
    bodies = np.array([body(200), body(290)])
    boxes = np.array([box_of(b) for b in bodies])
    tracker.add_detections(0, Detections(boxes, bodies))
    tracker.crops(0)
    tracker.update(0, bodies)
    for i in range(1, 8):  # both crops show the first body; the detector sees neither
        time = i / RATE
        tracker.crops(time)
        people = tracker.update(time, np.array([bodies[0], bodies[0]]))
        holders = [p for p in people if (p.keypoints[:, 2] >= 0.3).any()]
        assert [p.id for p in holders] == [1]
        assert sorted(p.id for p in people) == [1, 2]
    time = 8 / RATE  # both crops still do, but the detector sees both
    assert tracker.detection_due(time)
    tracker.add_detections(time, Detections(boxes, bodies))
    tracker.crops(time)
    people = tracker.update(time, np.array([bodies[0], bodies[0]]))
    assert ids_at(people, bodies) == [1, 2]


def test_crops_that_show_each_others_body_do_not_swap_ids():
    tracker = Tracker(threshold=0.3)
    bodies = np.array([body(200), body(260, height=180)])
    boxes = np.array([box_of(b) for b in bodies])
    tracker.add_detections(0, Detections(boxes, bodies))
    tracker.crops(0)
    tracker.update(0, bodies)
    tracker.crops(1 / RATE)
    assert ids_at(tracker.update(1 / RATE, bodies[::-1]), bodies) == [1, 2]


def test_overlapping_people_are_separated_by_a_close_up():
    tracker = Tracker(threshold=0.3)
    apart, close = [body(200), body(420)], [body(290), body(330)]
    for time, bodies in ((0, apart), (1 / RATE, apart)):
        tracker.add_detections(
            time, Detections(np.array([box_of(b) for b in bodies]), np.array(bodies))
        )
        assert tracker.crowded_regions(time) == []
        tracker.crops(time)
        tracker.update(time, np.array(bodies))
    for i in range(2, 12):  # they walk up to each other
        share = (i - 1) / 10
        bodies = [(1 - share) * a + share * b for a, b in zip(apart, close, strict=True)]
        regions = tracker.crowded_regions(i / RATE)
        for region in regions:
            boxes = np.array([box_of(b) for b in bodies])
            assert (region[:2] <= boxes[:, :2].min(0) + 20).all()
            assert (region[2:] >= boxes[:, 2:4].max(0) - 20).all()
            tracker.add_close_up(i / RATE, Detections(boxes, np.array(bodies)))
        crops = tracker.crops(i / RATE)
        assert len(crops) == (0 if regions else 2)
        people = tracker.update(i / RATE, np.array(bodies[: len(crops)]))
        assert ids_at(people, bodies) == [1, 2]
    assert regions


def test_the_detector_runs_seldom_while_tracks_are_stable_and_often_without_tracks():
    calm, empty = Scene(), Scene()
    for i in range(60):
        calm.show(i / RATE, [body(150), body(450)])
        empty.show(i / RATE, [])
    assert calm.detections <= 8
    assert 15 <= empty.detections <= 25


def test_the_detector_runs_less_often_until_a_new_person_is_found():
    scene, runs = Scene(), []
    for i in range(150):
        before = scene.detections
        scene.show(i / RATE, [body(150), body(450)] if i >= 75 else [body(150)])
        runs += [i / RATE] if scene.detections > before else []
    pauses = np.diff(runs)
    came = next(k for k, run in enumerate(runs) if run >= 2.5)
    assert pauses[came - 1] == pytest.approx(0.5, abs=0.04)
    assert pauses[came] == pytest.approx(0.25, abs=0.04)
    assert pauses[-1] == pytest.approx(0.5, abs=0.04)


def test_detections_of_an_earlier_frame_are_matched():
    scene, lag = Scene(), 6
    there = [[body(100 + 10 * i), body(700 - 10 * i, 900)][: 1 if i < 10 else 2] for i in range(40)]
    scene.show(0, there[0])
    for i in range(1, 40):
        if i % 10 == lag:
            seen = np.array(there[i - lag])
            found = Detections(np.array([box_of(pose) for pose in seen]), seen)
            scene.tracker.add_detections((i - lag) / RATE, found)
        boxes = scene.tracker.crops(i / RATE)
        poses = np.array([scene.pose(box, there[i]) for box in boxes])
        people = scene.tracker.update(i / RATE, poses)
        assert ids_at(people, there[i]) == ([1, 2] if i >= 16 else [1, None][: len(there[i])])
        assert not scene.tracker.needs_detection


def test_the_most_prominent_are_large_and_do_not_alternate():
    scene, rng = Scene(), np.random.default_rng(0)
    places, heights, selected = (100, 300, 600), (100, 200, 210), []
    for i in range(60):
        noisy = heights * (1 + 0.05 * rng.standard_normal(3))
        bodies = [body(x, height=h) for x, h in zip(places, noisy, strict=True)]
        people = scene.show(i / RATE, bodies)
        selected.append(scene.tracker.most_prominent(1))
    assert len(people) == 3
    assert all(ids == selected[5] for ids in selected[5:])
    large = {person.id for person in people if person.box[3] - person.box[1] > 150}
    assert set(scene.tracker.most_prominent(2)) == large


def test_of_more_people_than_tracks_the_large_ones_are_kept():
    scene = Scene(Tracker(threshold=0.3, max_tracks=2))
    bodies = [body(100, height=100), body(300, height=200), body(600, height=210)]
    for i in range(10):
        people = scene.show(i / RATE, bodies)
    assert sorted(round(p.keypoints[0, 0]) for p in people) == [300, 600]


def test_ids_are_new_after_a_reset():
    scene = Scene()
    scene.show(0, [body(150)])
    scene.tracker.reset()
    assert scene.tracker.detection_due(1 / RATE)
    assert [p.id for p in scene.show(1 / RATE, [body(150)])] == [2]


@pytest.mark.parametrize("rate", [10, 15, 60])
def test_a_runner_is_tracked_at_any_frame_rate(rate):
    scene = Scene()
    for i in range(2 * rate):
        people = scene.show(i / rate, [body(100 + 500 * i / rate)])
    assert [p.id for p in people] == [1]
