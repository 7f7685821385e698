from itertools import chain

import numpy as np
import pytest

from pipeline.detect import Detections
from pipeline.person import KEEP_LOST, KEEP_OCCLUDED, REPORT_LOST
from pipeline.search import Search
from pipeline.track import Tracker
from tests.pipeline.bodies import body, box_of

RATE = 30


class Scene:
    """Bodies that move, seen by a perfect detector and a pose stage that takes the nearest body."""

    def __init__(self, tracker=None):
        self.tracker = tracker or Tracker(threshold=0.3)
        self.search = Search()
        self.detections = 0

    def show(self, time, bodies, image=None):
        if self.search.due(time, self.tracker.needs_detection):
            self.detections += 1
            lost = self.tracker.lost_boxes(time)
            nobody = np.zeros((0, 4))
            self.search.views(time, (480, 640, 3), np.zeros((36, 64)), nobody, False, lost)
            self.search.take(self.tracker.add_detections(time, found(bodies)))
        crops = self.tracker.crops(time)
        poses = np.array([self.pose(box, bodies) for box in crops.boxes]).reshape(-1, 17, 3)
        return self.tracker.update(time, poses, image)

    def pose(self, box, bodies):
        """The body nearest to the middle of the box, as a single-person network sees it."""
        middle = (box[:2] + box[2:]) / 2
        inside = [b for b in bodies if np.abs(b[[11, 12], :2].mean(0) - middle).max() < 100]
        if not inside:
            return np.zeros((17, 3), np.float32)
        return min(inside, key=lambda b: np.linalg.norm(b[[11, 12], :2].mean(0) - middle))


def found(bodies):
    poses = np.array(bodies, np.float32).reshape(-1, 17, 3)
    boxes = np.array([box_of(pose) for pose in poses], np.float32).reshape(-1, 5)
    return Detections(boxes, poses)


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


def test_who_was_lost_is_sought_where_they_went_on_to():
    scene = Scene()
    for i in range(10):
        scene.show(i / RATE, [body(100 + 10 * i), body(700)])
    assert not len(scene.tracker.lost_boxes(10 / RATE))
    scene.show(10 / RATE, [body(700)])
    (box,) = scene.tracker.lost_boxes(12 / RATE)
    assert box[:4:2].mean() == pytest.approx(box_of(body(220))[:4:2].mean(), abs=20)


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
        tracker.add_detections(time, found([]))
        poses = [scene.pose(box, bodies) for box in tracker.crops(time).boxes]
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
        assert len(crops.boxes) == (0 if regions else 2)
        people = tracker.update(i / RATE, np.array(bodies[: len(crops.boxes)]))
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
            scene.tracker.add_detections((i - lag) / RATE, found(seen))
        boxes = scene.tracker.crops(i / RATE).boxes
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
    assert scene.tracker.is_empty and scene.tracker.needs_detection
    scene.search = Search()
    assert [p.id for p in scene.show(1 / RATE, [body(150)])] == [2]


@pytest.mark.parametrize("rate", [10, 15, 60])
def test_a_runner_is_tracked_at_any_frame_rate(rate):
    scene = Scene()
    for i in range(2 * rate):
        people = scene.show(i / rate, [body(100 + 500 * i / rate)])
    assert [p.id for p in people] == [1]


def meet(scene, hidden, after, seconds=3.0, image=None):
    """Two people walk up to each other; then the right one is behind the left one; then they part.

    Args:
        hidden: the time for which one of them is hidden, in seconds.
        after: the bodies from then on, as a function of the frames since.
    """
    walk = ([body(100 + 5 * i), body(400 - 5 * i)] for i in range(30))
    embrace = [[body(245)]] * round(hidden * RATE)
    part = (after(i) for i in range(round(seconds * RATE)))
    shown = []
    for i, bodies in enumerate(chain(walk, embrace, part)):
        people = scene.show(i / RATE, bodies, None if image is None else image(bodies))
        shown.append(sorted(person.id for person in people))
    return people, bodies, shown


def test_a_person_hidden_by_another_is_kept_and_has_the_same_id_when_they_part():
    scene = Scene()
    people, bodies, shown = meet(scene, 4.0, lambda i: [body(245 - 3 * i), body(255 + 3 * i)])
    assert all(ids == [1, 2] for ids in shown[3:])
    assert ids_at(people, bodies) == [1, 2]


def test_a_person_may_come_out_on_the_other_side():
    scene = Scene()
    people, bodies, shown = meet(scene, 2.0, lambda i: [body(245), body(235 - 3 * i)])
    assert ids_at(people, bodies) == [1, 2]
    assert all(ids == [1, 2] for ids in shown[3:])


def test_a_hidden_person_moves_with_the_one_in_front():
    scene = Scene()
    people, _, _ = meet(scene, 1.0, lambda i: [body(245 + 2 * i)])
    front, behind = sorted(people, key=lambda person: person.id)
    assert (behind.keypoints[:, 2] == 0).all()
    assert abs(front.box[[0, 2]].mean() - behind.box[[0, 2]].mean()) < 60


def test_a_person_who_never_comes_out_again_is_dropped():
    scene = Scene()
    _, _, shown = meet(scene, KEEP_OCCLUDED + 1, lambda i: [body(245)])
    assert shown[-1] == [1]


def test_a_person_who_leaves_the_picture_alone_is_not_kept():
    scene = Scene()
    for i in range(60):
        people = scene.show(i / RATE, [body(100), *([body(400)] if i < 30 else [])])
    assert [person.id for person in people] == [1]


RED, BLUE = (0, 0, 200), (200, 0, 0)


@pytest.mark.parametrize("seen", [True, False])
def test_people_who_part_again_are_told_apart_by_what_they_wear(seen):
    """They change sides in the embrace, which their places do not tell."""
    wears = [RED, BLUE]

    def painted(bodies):
        image = np.full((480, 640, 3), 90, np.uint8)
        for pose, colour in zip(bodies, wears, strict=False):
            x1, y1, x2, y2 = box_of(pose)[:4].astype(int).clip(0)
            image[y1:y2, x1:x2] = colour
        return image

    def after(i):
        wears[:] = [BLUE, RED]
        return [body(245 - 3 * i), body(255 + 3 * i)]

    people, bodies, shown = meet(Scene(), 1.0, after, image=painted if seen else None)
    assert ids_at(people, bodies) == ([2, 1] if seen else [1, 2])
    assert all(ids == [1, 2] for ids in shown[3:])


def lying(x, y=300, length=200, score=0.9):
    """A body turned by 90 degrees, clockwise: head to the right."""
    pose = body(0, 0, length, score)
    pose[:, :2] = np.stack((-pose[:, 1], pose[:, 0]), 1) + np.float32([x, y])
    return pose


def test_the_crop_of_a_leaning_person_is_turned_if_that_gives_better_joints():
    scene, used = Scene(), []

    def show(time, pose, better_turned):
        scene.tracker.add_detections(time, found([pose]))
        crops = scene.tracker.crops(time)
        poses = np.repeat(pose[None], len(crops.turns), 0)
        turned = np.abs(crops.turns) > 0.3
        poses[:, :, 2] = np.where(turned == better_turned, 0.8, 0.6)[:, None]
        scene.tracker.update(time, poses)
        used.append(crops.turns[0])

    for i in range(20):
        show(i / RATE, lying(300), better_turned=True)
    assert used[0] == 0 and used[-1] == pytest.approx(np.pi / 2, abs=0.05)
    for i in range(20, 40):
        show(i / RATE, lying(300), better_turned=False)
    assert used[-1] == 0
    for i in range(40, 60):
        show(i / RATE, lying(300), better_turned=True)
    for i in range(60, 90):
        show(i / RATE, body(400), better_turned=True)
    assert used[-1] == 0, "an upright person has an upright crop"


def test_a_turned_crop_holds_the_body_along_its_sides():
    scene = Scene()
    scene.show(0, [lying(300)])
    (track,) = scene.tracker._tracks
    box = track.crop_box(0.0, 0.3, np.pi / 2)
    width, height = box[2:] - box[:2]
    assert height > 1.5 * width, "tall before it is turned"
    np.testing.assert_allclose(
        (box[:2] + box[2:]) / 2, box_of(lying(300))[:4].reshape(2, 2).mean(0), atol=12
    )


def test_what_only_the_detector_takes_for_a_person_gets_no_id():
    """A row of chairs: the pose network sees another body in it, and that faintly."""
    scene = Scene()
    for i in range(60):
        time = i / RATE
        scene.tracker.add_detections(time, found([body(300, score=0.4)]))
        crops = scene.tracker.crops(time)
        pose = lying(300, score=0.35)
        people = scene.tracker.update(time, np.repeat(pose[None], len(crops.boxes), 0))
        assert not people
