import cv2
import numpy as np
import pytest

from pipeline.changes import COLUMNS, MAX_SKIP, ROWS, Changes, thumbnail

WHOLE, LEFT = (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.6, 0.6)
NOBODY = np.zeros((0, 4), np.float32)


@pytest.fixture
def street():
    rng = np.random.default_rng(0)
    return cv2.resize(rng.integers(60, 200, (18, 32, 3), np.uint8), (1280, 720))


def seen(image):
    noise = np.random.default_rng(1).normal(0, 6, image.shape)
    return thumbnail((image + noise).clip(0, 255).astype(np.uint8))


def with_person(image, left, top, height=60):
    image = image.copy()
    image[top : top + height, left : left + height // 3] = 20
    return image


def test_a_thumbnail_is_small_and_grey(street):
    assert thumbnail(street).shape == (ROWS, COLUMNS)


def test_nothing_has_changed_but_noise_and_light(street):
    changes = Changes()
    assert changes.need_detector(WHOLE, 0, thumbnail(street), NOBODY)
    assert not changes.need_detector(WHOLE, 0.5, seen(street), NOBODY)
    assert not changes.need_detector(WHOLE, 1.0, thumbnail(street) + 15, NOBODY)
    assert changes.need_detector(WHOLE, MAX_SKIP, thumbnail(street), NOBODY)


def test_a_small_person_entered_and_each_region_needs_the_detector(street):
    changes = Changes()
    for region in (WHOLE, LEFT):
        changes.need_detector(region, 0, thumbnail(street), NOBODY)
    for region in (WHOLE, LEFT):
        assert changes.need_detector(region, 0.5, seen(with_person(street, 300, 200)), NOBODY)
        assert not changes.need_detector(region, 1.0, seen(with_person(street, 300, 200)), NOBODY)
    right = seen(with_person(with_person(street, 300, 200), 1100, 600))
    assert not changes.need_detector(LEFT, 1.5, right, NOBODY)
    assert changes.need_detector(WHOLE, 1.5, right, NOBODY)


def test_tracked_people_may_move(street):
    changes = Changes()
    before, after = (with_person(street, x, 200, 300) for x in (300, 420))
    boxes = [np.float32([[x / 1280, 200 / 720, (x + 100) / 1280, 500 / 720]]) for x in (300, 420)]
    changes.need_detector(WHOLE, 0, seen(before), boxes[0])
    assert not changes.need_detector(WHOLE, 0.5, seen(after), boxes[1])
    assert changes.need_detector(WHOLE, 0.5, seen(after), boxes[0])
