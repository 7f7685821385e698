"""The detector finds real people, once each, where they are."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.errors import UserError
from pipeline.detect import Detector, is_inside, oks_nms, square
from pipeline.source import open_source

DATA = Path(__file__).parent.parent / "data" / "movenet"


@pytest.fixture(scope="module")
def detector():
    return Detector(size=384)


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
    assert len(people) == 2
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
        assert overlap(small[:4] * 1021 / 256, large) > 0.9


def test_region_is_seen_alone_and_in_pixels_of_the_picture(detector, two_people):
    picture = np.zeros((600, 900, 3), np.uint8)
    picture[100:356, 300:556] = two_people
    expected = detector(two_people).boxes[0, :4] + np.float32([300, 100, 300, 100])
    found = detector(picture, region=expected)
    assert max(overlap(expected, box) for box in found.boxes) > 0.7
    assert joints_in_boxes(found) > 0.9
    assert len(detector(picture, region=(0, 0, 200, 90))) == 0


@pytest.mark.parametrize("shape", [(480, 640), (91, 500), (40, 30)])
def test_nobody(detector, shape):
    people = detector(np.full((*shape, 3), 90, np.uint8))
    assert people.boxes.shape == (0, 5) and people.keypoints.shape == (0, 17, 3)


def test_more_than_six_people(two_people):
    crowd = np.hstack([two_people[:, :145]] * 5)
    assert len(Detector(size=640)(crowd)) == 10


def test_duplicates_are_dropped_and_neighbours_kept():
    pose = np.random.default_rng(0).uniform(0, 100, (17, 3)).astype(np.float32)
    keypoints = np.stack((pose, pose + np.float32([2, 2, 0]), pose + np.float32([60, 0, 0])))
    boxes = np.array([[0, 0, 100, 100, 0.4], [2, 2, 102, 102, 0.6], [60, 0, 160, 100, 0.3]])
    assert oks_nms(boxes, keypoints, 0.7).tolist() == [1, 2]


def test_square_stays_inside_and_is_never_empty():
    assert square((40, 40, 60, 90), (200, 100, 3)) == (20, 35, 80, 95)
    assert square((-50, -50, 10, 10), (200, 100, 3)) == (0, 0, 16, 16)
    left, top, right, bottom = square((500, 500, 510, 510), (200, 100, 3))
    assert 0 <= left < right <= 100 and 0 <= top < bottom <= 200


def test_size_too_small():
    with pytest.raises(UserError, match="64 pixels"):
        Detector(size=32)


def test_threshold(two_people):
    scores = Detector(size=256, threshold=0.0)(two_people).boxes[:, 4]
    assert scores.min() < 0.1 < scores.max()
    assert len(Detector(size=256, threshold=scores.max() + 0.01)(two_people)) == 0


@pytest.fixture(scope="module")
def searcher():
    return Detector()


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


def test_small_people_are_found_in_the_turn_of_their_tile(searcher, walkers):
    picture = placed(walkers, 1100, 700)
    assert len(searcher(picture)) == 0
    by_turn = [searcher.search(picture, turn) for turn in range(9)]
    assert [len(found) for found in by_turn] == [2, 0, 0, 0, 0, 0, 0, 2, 0]
    for found in (by_turn[0], by_turn[7]):
        middles = (found.boxes[:, :2] + found.boxes[:, 2:4]) / 2
        assert ((middles > [1400, 700]) & (middles < [1570, 835])).all()


def test_people_cut_off_by_a_tile_are_dropped(searcher, walkers):
    edge = placed(walkers, 1152 - 345, 300)  # the left part ends at 1152, in one of the two
    assert len(searcher.search(edge, 1)) == 1
    assert len(searcher.search(edge, 3)) == 2


def test_a_tile_adds_the_person_behind_and_no_part_of_a_large_one(detector, two_people):
    large = cv2.resize(two_people, (1080, 1080))
    known = detector(large).boxes
    (behind,) = detector.search(large, 1, known).boxes
    assert not is_inside(behind[None], known)[0]
    assert behind[3] - behind[1] < 0.6 * (known[:, 3] - known[:, 1]).min()
    assert [len(detector.search(large, turn, known)) for turn in (0, 2, 5, 7)] == [3, 2, 0, 0]


def test_is_inside():
    known = np.float32([[100, 100, 200, 300, 0.9]])
    boxes = np.float32([[110, 120, 150, 200, 0.5], [180, 100, 280, 300, 0.5]])
    assert is_inside(boxes, known).tolist() == [True, False]
    assert is_inside(boxes, known[:0]).tolist() == [False, False]


def test_a_small_picture_has_no_tiles(detector, two_people):
    whole = detector(two_people)
    for turn in range(4):
        np.testing.assert_array_equal(detector.search(two_people, turn).boxes, whole.boxes)
