"""The detector finds real people, once each, where they are."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.detect import Detector, is_part, nms, turn_back
from pipeline.search import CLOSE_UP_SCALE, View, has_tiles, square, tiles, whole
from pipeline.source import open_source

DATA = Path(__file__).parent.parent / "data" / "movenet"


@pytest.fixture(scope="module")
def detector():
    return Detector()


@pytest.fixture(scope="module")
def two_people():
    return cv2.imread(str(DATA / "multipose_square.jpg"))


def joints_in_boxes(people):
    x, y = people.keypoints[..., 0], people.keypoints[..., 1]
    x1, y1, x2, y2 = people.boxes[:, :4].T[..., None]
    seen = people.keypoints[..., 2] > 0.3
    return ((x > x1) & (x < x2) & (y > y1) & (y < y2))[seen].mean()


def overlap(box, other):
    low, high = np.maximum(box[:2], other[:2]), np.minimum(box[2:4], other[2:4])
    both = np.prod(np.maximum(high - low, 0))
    areas = [np.prod(b[2:4] - b[:2]) for b in (box, other)]
    return both / (sum(areas) - both)


def test_finds_both_people(detector, two_people):
    people = detector(two_people)
    assert len(people) == 3  # a third one stands behind
    people = people.select(people.boxes[:, 3] - people.boxes[:, 1] > 60)
    assert people.boxes.dtype == people.keypoints.dtype == np.float32
    assert people.boxes.shape == (2, 5) and people.keypoints.shape == (2, 17, 3)
    assert (np.diff(people.boxes[:, 4]) <= 0).all() and (people.boxes[:, 4] >= 0.18).all()
    assert joints_in_boxes(people) > 0.9
    noses, ankles = people.keypoints[:, 0, 1], people.keypoints[:, 15:, 1].mean(1)
    assert (noses < ankles).all()


def test_picture_size_does_not_matter(detector, two_people):
    """The same picture, larger and with odd sides, gives the same people, larger."""
    larger = cv2.resize(two_people, (1021, 1021))
    before, after = detector(two_people), detector(larger)
    assert len(before) == len(after)
    for small, large in zip(before.boxes, after.boxes, strict=True):
        assert overlap(small[:4] * 1021 / 256, large) > 0.7


def test_a_view_is_seen_alone_and_in_pixels_of_the_picture(detector, two_people):
    picture = np.zeros((600, 900, 3), np.uint8)
    picture[100:356, 300:556] = two_people
    expected = detector(two_people).boxes[0, :4] + np.float32([300, 100, 300, 100])
    found = detector(picture, [View(*square(expected, picture.shape, CLOSE_UP_SCALE), 320)])
    assert max(overlap(expected, box) for box in found.boxes) > 0.7
    assert joints_in_boxes(found) > 0.9
    assert len(detector(picture, [View(0, 0, 200, 90, 320)])) == 0


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_view_finds_the_same_people(detector, two_people, turns):
    """Somebody upside down is found where they are upright for the network."""
    upright = detector(two_people, [whole(two_people.shape, 384)])
    picture = np.ascontiguousarray(np.rot90(two_people, turns))
    found = detector(picture, [whole(picture.shape, 384, quarter_turns=turns)])
    boxes, keypoints = turn_back(upright.boxes, upright.keypoints, picture.shape, turns)
    np.testing.assert_allclose(found.boxes, boxes, atol=1)
    np.testing.assert_allclose(found.keypoints[..., :2], keypoints[..., :2], atol=1)


def test_people_who_fill_the_picture_are_found(detector):
    """The bundled walker, cut out closely; the fine view alone shows her badly or not at all."""
    with open_source(DATA.parent / "walk.mp4") as clip:
        frame = list(clip)[60].image
    box = detector(frame).boxes[0]
    x1, y1, x2, y2 = (box[:4] + [-15, -6, 15, 6]).round().astype(int).clip(0)
    close = np.ascontiguousarray(frame[y1:y2, x1:x2])
    best = detector(close).boxes[0]
    assert best[4] > 0.4 and best[3] - best[1] > 0.85 * len(close)
    fine = detector(close, [whole(close.shape, 512)]).boxes
    assert not len(fine) or fine[0, 4] < best[4] - 0.1


@pytest.mark.parametrize("shape", [(480, 640), (91, 500), (40, 30)])
def test_nobody(detector, shape):
    people = detector(np.full((*shape, 3), 90, np.uint8))
    assert people.boxes.shape == (0, 5) and people.keypoints.shape == (0, 17, 3)


def test_more_than_six_people(two_people):
    crowd = np.hstack([two_people[:, :145]] * 5)
    assert len(Detector()(crowd, [whole(crowd.shape, 640)])) == 10


def test_duplicates_are_dropped_and_neighbours_kept():
    pose = np.random.default_rng(0).uniform(0, 100, (17, 3)).astype(np.float32)
    keypoints = np.stack((pose, pose + np.float32([2, 2, 0]), pose + np.float32([60, 0, 0])))
    boxes = np.array([[0, 0, 100, 100, 0.4], [2, 2, 102, 102, 0.6], [60, 0, 160, 100, 0.3]])
    assert nms(boxes, keypoints, np.zeros(3), 0.7).tolist() == [1, 2]
    other = np.stack((pose, pose + np.float32([50, 0, 0])))  # one body, found with two poses
    assert nms(boxes[:2], other, np.array([0, 1]), 0.7).tolist() == [1]
    assert nms(boxes[:2], other, np.array([0, 0]), 0.7).tolist() == [1, 0]


def test_threshold(two_people):
    views = [whole(two_people.shape, 256)]
    scores = Detector(threshold=0.0)(two_people, views).boxes[:, 4]
    assert scores.min() < 0.1 < scores.max()
    assert len(Detector(threshold=scores.max() + 0.01)(two_people, views)) == 0


@pytest.fixture(scope="module")
def walkers():
    """Two people in the middle of a picture of 720×135 pixels, 100 pixels tall."""
    with open_source(DATA.parent / "two_walkers.mp4") as clip:
        image = next(iter(clip)).image
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def placed(image, left, top):
    picture = np.full((1080, 1920, 3), 120, np.uint8)
    picture[top : top + image.shape[0], left : left + image.shape[1]] = image
    return picture


def test_small_people_are_found_in_the_tile_that_they_are_in(detector, walkers):
    picture = placed(walkers, 1100, 700)
    assert len(detector(picture, [whole(picture.shape, 512)])) == 0
    found = [detector(picture, [tile]) for tile in tiles(picture.shape)]
    assert [len(people) for people in found] == [0, 0, 0, 2]
    for people in (found[3], detector(picture)):
        middles = (people.boxes[:, :2] + people.boxes[:, 2:4]) / 2
        assert ((middles > [1400, 700]) & (middles < [1570, 835])).all()


def test_people_cut_off_by_a_tile_are_dropped(detector, walkers):
    edge = placed(walkers, 1152 - 345, 300)  # the left tiles end at 1152, in one of the two
    upper_left, upper_right, *_ = tiles(edge.shape)
    assert len(detector(edge, [upper_left])) == 1
    assert len(detector(edge, [upper_right])) == 2


def test_a_tile_adds_the_person_behind_and_no_part_of_a_large_one(detector, two_people):
    large = cv2.resize(two_people, (1080, 1080))
    known = detector(large, [whole(large.shape, 384)]).boxes
    found = [detector(large, [tile], known).boxes for tile in tiles(large.shape)]
    (behind,) = found[0]
    assert not is_part(behind[None], known)[0]
    assert behind[3] - behind[1] < 0.6 * (known[:, 3] - known[:, 1]).min()
    assert [len(boxes) for boxes in found[1:]] == [0, 0, 0]


def test_is_part():
    known = np.float32([[100, 100, 200, 300, 0.9]])
    boxes = np.float32(
        [[110, 120, 150, 200, 0.5], [180, 100, 280, 300, 0.5], [105, 105, 195, 290, 0.5]]
    )
    assert is_part(boxes, known[:, :4]).tolist() == [True, False, False]
    assert is_part(boxes, known[:0, :4]).tolist() == [False, False, False]


def test_a_small_picture_has_no_tiles(two_people):
    assert not has_tiles(two_people.shape)
    assert has_tiles((720, 1280, 3))
