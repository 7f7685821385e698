from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from pipeline.engine import Pipeline
from pipeline.hints import APPEAR, VANISH, Hint, Hints
from pipeline.source import Frame, open_source
from tests.pipeline.bodies import body, box_of
from tests.pipeline.videos import CLIPS

SIZE = 640, 480
RATE = 20
NOISE = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
ROOM = np.ascontiguousarray(NOISE.repeat(40, 0).repeat(40, 1))
"""A picture with something to see in it: uint8 [480, 640, 3]."""


def person(keypoints):
    visible = keypoints[keypoints[:, 2] >= 0.3]
    box = box_of(visible if len(visible) else keypoints)
    return SimpleNamespace(id=1, box=box, keypoints=keypoints)


def cut(keypoints, height=SIZE[1]):
    """A person whose joints below the picture are absent, as the pose stage gives them."""
    keypoints[keypoints[:, 1] > height - 1, 2] = 0
    return person(keypoints)


def shown(*parts, hints=None):
    """The hint after each frame: parts are seconds, the people, and the picture if not a room."""
    hints, number, seen = hints or Hints(0.3), 0, []
    for seconds, people, *image in parts:
        for _ in range(round(seconds * RATE)):
            frame = Frame(number, number / RATE, *image or [ROOM])
            seen.append(hints.update(frame, people))
            number += 1
    return seen


WHOLE = [person(body(320, 450, 300))]
AT_A_DESK = [cut(body(320, 900, 800))]  # knees would be at 700
FLAT = np.full_like(ROOM, 128)
LIGHT_FALLS_OFF = np.ascontiguousarray(
    np.broadcast_to(np.linspace(60, 120, 640)[None, :, None], ROOM.shape).astype(np.uint8)
)


@pytest.mark.parametrize(
    ("people", "image", "hint"),
    [
        (WHOLE, ROOM, None),
        ([], ROOM, Hint.EMPTY),
        ([], ROOM // 12, Hint.DARK),
        ([], FLAT, Hint.BLANK),
        ([], FLAT * 0, Hint.BLANK),
        ([], LIGHT_FALLS_OFF, Hint.BLANK),
        (WHOLE, ROOM // 12, None),  # it is bright enough if somebody can be seen
        (AT_A_DESK, ROOM, Hint.LEGS),
        ([person(body(320, 240, 40))], ROOM, Hint.FAR),
        ([person(body(100, 240, 40)), *WHOLE], ROOM, None),  # the nearest one counts
        ([person(body(320, 450, 300, score=0.1))], ROOM, Hint.EMPTY),  # lost: no joint is visible
    ],
)
def test_a_cause_has_its_hint_after_a_second(people, image, hint):
    seen = shown((2.0, people, image))
    wait = round(APPEAR * RATE)
    assert set(seen[:wait]) == {None}
    assert set(seen[wait:]) == {hint}


def test_a_hint_goes_soon_after_it_is_mended():
    seen = shown((2.0, []), (1.0, WHOLE))
    assert seen[2 * RATE - 1] is Hint.EMPTY
    mended = seen[2 * RATE :]
    assert mended.count(Hint.EMPTY) == round(VANISH * RATE)
    assert mended[-1] is None


def test_a_cause_that_comes_and_goes_has_no_hint_and_one_that_is_shown_does_not_flicker():
    often = [(0.4, AT_A_DESK), (0.4, WHOLE)] * 5
    assert set(shown(*often)) == {None}
    seldom = [(1.5, AT_A_DESK), *[(0.15, WHOLE), (0.4, AT_A_DESK)] * 5]
    assert set(shown(*seldom)[RATE:]) == {Hint.LEGS}


def test_limits_are_wider_while_a_hint_is_shown():
    """At a distance that alone would be near enough, the hint stays until it is clearly so."""
    far, near, nearer = ([person(body(320, 300, height))] for height in (46, 58, 80))
    assert set(shown((2.0, near))) == {None}
    seen = shown((2.0, far), (2.0, near), (1.0, nearer))
    assert set(seen[RATE : 4 * RATE]) == {Hint.FAR} and seen[-1] is None


def test_one_hint_follows_another():
    seen = shown((2.0, [], FLAT), (2.0, []), (2.0, AT_A_DESK))
    changes = [
        hint for hint, before in zip(seen, [object(), *seen], strict=False) if hint != before
    ]
    assert changes == [None, Hint.BLANK, None, Hint.EMPTY, None, Hint.LEGS]


def test_an_interrupted_source_starts_anew():
    hints = Hints(0.3)
    shown((2.0, []), hints=hints)
    hints.reset()
    assert hints.current is None
    assert hints.update(Frame(99, 60.0, ROOM), []) is None


def without(keypoints, *joints):
    keypoints[list(joints), 2] = 0
    return [person(keypoints)]


def turned(keypoints):
    """The same body lying on its side, feet to the right."""
    middle = keypoints[:, :2].mean(0)
    x, y = (keypoints[:, :2] - middle).T
    keypoints[:, :2] = np.stack([y, -x], 1) + middle
    return keypoints


LEGS, HIPS, HEAD = (13, 14, 15, 16), (11, 12), (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("people", "hint"),
    [
        # Behind a table in the middle of the picture: stepping back would not show them.
        (without(body(320, 400, 300), *LEGS), None),
        (without(body(320, 400, 300), *HIPS, *LEGS), None),
        # Close to the camera, with or without hips in view.
        (without(body(320, 700, 500), *LEGS), Hint.LEGS),
        (without(body(320, 700, 500), *HIPS, *LEGS), Hint.LEGS),
        # Lying at the lower edge, the legs under a cover.
        (without(turned(body(320, 500, 500)), *LEGS), None),
        (without(turned(body(320, 500, 500)), *HIPS, *LEGS), None),
        # From the waist up is enough if a knee can be seen, and too little if only hips can.
        (without(body(320, 600, 500), 14, 15, 16), None),
        (without(body(320, 700, 500), *range(11), *LEGS), None),
    ],
)
def test_stepping_back_is_said_only_where_it_helps(people, hint):
    assert shown((1.5, people))[-1] is hint


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline()


@pytest.fixture(scope="module")
def walk():
    """A woman in whole, 15 times a second for two seconds; her hips are at 210 of 442 lines."""
    with open_source(CLIPS / "walk.mp4", stride=2, max_seconds=2.0) as source:
        return [frame.image for frame in source]


def darkened(image):
    """With the noise of a camera."""
    noise = np.random.default_rng(0).normal(0, 7, image.shape)
    return np.clip(image * 0.08 + noise, 0, 255).astype(np.uint8)


def far_away(image):
    """In the middle of a larger and blurred picture, a person of 44 pixels."""
    far = cv2.GaussianBlur(cv2.resize(image, (1280, 720)), (0, 0), 15)
    far[300:353, 560:714] = cv2.resize(image, (154, 53), interpolation=cv2.INTER_AREA)
    return far


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda image: image, None),
        (lambda image: np.ascontiguousarray(image[:400]), None),
        (lambda image: np.ascontiguousarray(image[:240]), Hint.LEGS),
        (far_away, Hint.FAR),
        (darkened, Hint.DARK),
        (lambda image: np.full_like(image, 70), Hint.BLANK),
    ],
)
def test_what_is_done_to_a_clip_is_noticed(pipeline, walk, change, hint):
    pipeline.reset()
    hints = Hints(pipeline.pose.threshold)
    seen = []
    for number, image in enumerate(walk):
        result = pipeline(Frame(number, number / 15, change(image)))
        seen.append(hints.update(result.frame, result.people))
    assert seen[-1] is hint and set(seen) <= {None, hint}
    assert hint is None or seen.count(hint) >= 5
