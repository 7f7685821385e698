import numpy as np
import pytest

from pipeline.camera.canvas import View, compose
from pipeline.camera.layout import arrange, opening_size
from pipeline.engine import Result
from pipeline.hints import Hint
from pipeline.overlay import RED, person_colour
from pipeline.panel import Panel
from pipeline.person import Person
from pipeline.source import Frame
from tests.pipeline.bodies import body, box_of

GREY = 90


def view(size, hint=None, recording=False):
    keypoints = body(size[0] / 4, 0.9 * size[1], 0.6 * size[1])
    frame = Frame(0, 0.0, np.full((size[1], size[0], 3), GREY, np.uint8))
    people = [Person(1, box_of(keypoints), keypoints)]
    return View(Result(frame, people, []), Panel(0.0, (), (), hint, 30.0, 0.03), 0.3, recording)


def shown(size, with_panel=True, mirrored=False, message=None, **marks):
    layout = arrange(opening_size(size), size, with_panel)
    return compose(layout, view(size, **marks), message, mirrored, 0)[:, : layout.stage]


@pytest.mark.parametrize("size", [(340, 256), (1280, 720), (720, 1280)])
def test_labels_are_legible_whatever_the_size_of_the_source(size):
    chip = (shown(size) == person_colour(1)).all(2)
    rows = np.flatnonzero(chip.sum(1) > 6)  # more than the two sides of the box
    assert len(rows) > 10, "the number's background, in pixels of the window"


def test_a_mirrored_picture_has_the_person_on_the_other_side():
    sides = [
        np.nonzero((shown((640, 480), mirrored=mirrored) == person_colour(1)).all(2))[1].mean()
        for mirrored in (False, True)
    ]
    assert sides[0] < 480 < sides[1]


def test_hint_recording_and_message_are_written_on_the_picture():
    plain = shown((640, 480))
    rows = {}
    marks = {"hint": Hint.LEGS, "recording": True, "message": "paused"}
    for name, value in marks.items():
        rows[name] = np.nonzero((shown((640, 480), **{name: value}) != plain).any(2))[0]
    assert rows["recording"].max() < 100 < 300 < rows["message"].min()
    assert rows["message"].max() < 420 < 600 < rows["hint"].min()
    assert (shown((640, 480), recording=True) == RED).all(2).any()


def test_the_speed_is_in_the_corner_where_there_is_no_panel():
    corner = np.s_[:20, :100]
    assert (shown((640, 480))[corner] == GREY).all()
    assert (shown((640, 480), with_panel=False)[corner] != GREY).any()


def test_without_a_frame_the_picture_is_black():
    layout = arrange((960, 560), (640, 480), True)
    image = compose(layout, None, None, False, 0)
    assert image.shape == (560, 960, 3) and not image[:, : layout.stage].any()
    assert image[:, layout.stage :].any()
