from types import SimpleNamespace

import numpy as np
import pytest

from models.skeleton import FLIP, JOINTS
from pipeline.overlay import DARK, SIDES, YELLOW, draw, person_colour, scale
from pipeline.person import Person
from tests.pipeline.bodies import body, box_of

GREY = 120
SIZES = [(340, 256), (1280, 720), (720, 1280), (3840, 2160)]


def canvas(size=(1280, 720)):
    return np.full((size[1], size[0], 3), GREY, np.uint8)


def person(number, keypoints):
    return SimpleNamespace(id=number, box=box_of(keypoints), keypoints=keypoints)


def action(people, label="walk", score=0.87):
    return SimpleNamespace(people=people, label=label, score=score)


def drawn(people, actions=(), size=(1280, 720), threshold=0.3):
    return draw(canvas(size), people, list(actions), threshold)


def changed(image):
    return (image != GREY).any(2)


def has(image, colour):
    """Where a picture has exactly this colour: bool [H, W]."""
    return (image == colour).all(2)


def extent(mask):
    """Left, top, right, bottom of what is True."""
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_draws_in_place_and_only_where_the_people_are():
    image = canvas()
    keypoints = body(400, 500, 300)
    assert draw(image, [person(1, keypoints)], [action((1,))], 0.3) is image
    left, top, right, bottom = extent(changed(image))
    box = box_of(keypoints)
    assert abs(left - box[0]) < 8 and abs(bottom - box[3]) < 8
    assert box[1] - 40 < top < box[1] - 10  # the label stands on the box
    assert right < box[2] + 120


def test_nobody_changes_nothing():
    assert not changed(drawn([])).any()


def test_sides_have_their_own_colours():
    keypoints = body(400, 500, 300)  # seen from behind: the left side is on the left
    image = drawn([person(1, keypoints)])
    left, right = has(image, SIDES["left"]), has(image, SIDES["right"])
    assert left.sum() > 300 and right.sum() > 300
    assert extent(left)[2] < 400 + 20 and extent(right)[0] > 400 - 20
    for joint, name in enumerate(JOINTS[5:], 5):
        x, y = np.rint(keypoints[joint, :2]).astype(int)
        assert tuple(image[y, x]) == SIDES[name.split()[0]]
        assert FLIP[joint] != joint


@pytest.mark.parametrize("unseen", [(0, 0, 0.0), (np.nan, np.nan, np.nan), (640, 100, 0.29)])
def test_absent_joints_are_not_drawn(unseen):
    keypoints = body(400, 500, 300)
    wrist = keypoints[9, :2].copy()
    someone = person(1, keypoints)
    keypoints[9] = unseen
    image = drawn([someone])
    x, y = np.rint(wrist).astype(int)
    assert not has(image, SIDES["left"])[y - 5 : y + 6, x - 5 : x + 6].any()
    assert not changed(image)[:80].any() and not changed(image)[90:110, 600:].any()
    assert has(image, SIDES["left"]).any()  # the others still are


def test_person_whose_joints_are_all_hidden_has_only_box_and_id():
    keypoints = body(400, 500, 300)
    someone = person(1, keypoints)
    keypoints[:, 2] = 0
    image = drawn([someone])
    assert not has(image, SIDES["left"]).any() and not has(image, SIDES["right"]).any()
    x1, y1, x2, y2 = np.rint(someone.box[:4]).astype(int)
    assert not changed(image)[y1 + 5 : y2 - 5, x1 + 5 : x2 - 5].any()
    assert changed(image)[(y1 + y2) // 2, [x1, x2]].all()


def dark_extent(image):
    """Extent of what is dark: the backgrounds of labels, and the outlines of lines."""
    return extent(has(image, DARK))


def test_a_label_is_wider_than_the_id_alone():
    someone = person(1, body(400, 500, 300))
    alone = dark_extent(drawn([someone]))
    unnamed = dark_extent(drawn([someone], [action((1,), None)]))
    named = dark_extent(drawn([someone], [action((1,), "wave both hands")]))
    assert unnamed == alone
    assert named[2] > alone[2] + 50


def test_score_is_written():
    someone = person(1, body(400, 500, 300))
    low, high = (drawn([someone], [action((1,), "walk", score)]) for score in (0.51, 0.99))
    assert (low != high).any()


def test_pair_has_a_line_with_the_label_at_its_middle():
    people = [person(1, body(300, 500, 300)), person(2, body(900, 500, 300))]
    image = drawn(people, [action((1, 2), "hug", 0.91)])
    yellow = has(image, YELLOW)
    left, top, right, bottom = extent(yellow)
    middle = 500 - 0.65 * 300  # of the torsos
    assert left < 310 and right > 890
    assert abs((top + bottom) / 2 - middle) < 3
    rows = yellow[top : bottom + 1].sum(0)
    label = np.nonzero(rows > 12)[0]
    assert abs(label.mean() - 600) < 5 and 60 < np.ptp(label) < 220


def test_action_of_an_absent_person_is_not_drawn():
    people = [person(1, body(300, 500, 300))]
    assert (drawn(people, [action((1, 2)), action((2,))]) == drawn(people)).all()


def hidden(number, x, y):
    """A person of whom only the label can be drawn: no joints, and a box outside the picture."""
    keypoints = np.zeros((17, 3), np.float32)
    return SimpleNamespace(id=number, box=np.float32([x, y, x + 5, y + 5, 1]), keypoints=keypoints)


def block(image):
    """The smallest part of the picture that holds all that was drawn."""
    left, top, right, bottom = extent(changed(image))
    return image[top : bottom + 1, left : right + 1]


@pytest.mark.parametrize("size", SIZES)
def test_labels_stay_whole_at_every_edge(size):
    far = 20_000
    corners = [(-far, -far), (far, -far), (-far, far), (far, far)]
    labels = [action((1,), "put on a jacket", 0.87)]
    first, *others = [block(drawn([hidden(1, x, y)], labels, size)) for x, y in corners]
    assert changed(first).all()
    assert has(first, DARK).mean() > 0.5 and (first.min(2) > 200).sum() > 50  # text on a ground
    for other in others:
        assert other.shape == first.shape and (other == first).all()


def test_labels_do_not_overlap():
    people = [hidden(number, -900, -900) for number in range(1, 7)]
    one = block(drawn(people[:1]))
    image = drawn(people)
    assert changed(image).sum() == 6 * one.shape[0] * one.shape[1]


def test_label_wider_than_the_picture_is_set_smaller():
    label = "cross hands in front, as if to say stop, and then sit down again"
    image = block(drawn([hidden(1, -900, -900)], [action((1,), label)], (340, 256)))
    assert 300 < image.shape[1] <= 340
    assert has(image[:, -2:], DARK).all()  # the margin behind the last letter is there


@pytest.mark.parametrize("size", SIZES)
def test_sizes_follow_the_picture(size):
    """Text is legible: a label is at least 14 pixels and at least 1/40 of the picture high."""
    short = min(size)
    someone = person(1, body(size[0] / 2, size[1] / 2 + 0.2 * short, 0.4 * short))
    image = drawn([someone], [action((1,))], size)
    top, box_top = extent(changed(image))[1], someone.box[1]
    assert box_top - top > max(14, short / 40)


def test_people_are_told_apart_by_the_colours_of_box_and_id():
    people = [person(1, body(400, 500, 300)), person(2, body(900, 500, 300))]
    image = drawn(people, [action((1,))])
    for someone, other in (people, people[::-1]):
        left, top, right, bottom = extent(has(image, person_colour(someone.id)))
        box = someone.box
        assert abs(left - box[0]) < 4 and abs(right - box[2]) < 4 and abs(bottom - box[3]) < 4
        assert top < box[1] - 10  # the number stands on the box
        assert person_colour(someone.id) != person_colour(other.id)


def test_people_are_scaled_with_their_picture():
    someone = Person(1, *[x for k in [body(400, 500, 300)] for x in (box_of(k), k)])
    image, (scaled,) = scale(canvas((1280, 720)), [someone], 640, 540)
    assert image.shape == (540, 640, 3)
    assert np.allclose(scaled.keypoints[:, :2], someone.keypoints[:, :2] * (0.5, 0.75))
    assert np.allclose(scaled.box[:4], someone.box[:4] * (0.5, 0.75, 0.5, 0.75))
    assert (scaled.keypoints[:, 2] == someone.keypoints[:, 2]).all() and scaled.id == 1
    assert someone.keypoints[15, 1] == 500, "the original stays as it was"


@pytest.mark.parametrize("label", ["two\nlines", "\x1b[2J", "\u202egnp", "x" * 100_000, ""])
def test_any_label_is_drawn_on_one_line(label):
    image = drawn([person(1, body(400, 500, 300))], [action((1,), label)])
    plain = drawn([person(1, body(400, 500, 300))], [action((1,), "walk")])
    assert abs(extent(changed(image))[1] - extent(changed(plain))[1]) < 40
