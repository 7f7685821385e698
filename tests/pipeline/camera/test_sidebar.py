import numpy as np
import pytest

from pipeline.camera.sidebar import BACK, draw_panel
from pipeline.events import Event
from pipeline.overlay import YELLOW, person_colour
from pipeline.panel import Panel, Row

WALK = Row((1,), "walk", 0.5)
HUG = Row((2, 3), "hug", 0.9)
UNSURE = Row((4,), likeliest=(("sit down", 0.41), ("stand up", 0.22)))


def drawn(rows=(), events=(), size=(300, 560), scale=1.0, time=100.0):
    image = np.full((size[1], size[0] + 10, 3), 200, np.uint8)
    panel = Panel(time, tuple(rows), tuple(events), None, 29.7, 0.034)
    draw_panel(image[:, 10:], panel, 3, scale)
    assert (image[:, :10] == 200).all(), "nothing else is drawn on"
    return image[:, 10:]


def rows_of(image, colour):
    """Numbers of the rows in which a bar or number has this colour, and the widest run of it."""
    same = (image == colour).all(2)
    return np.flatnonzero(same.any(1)), same.sum(1).max()


def test_everything_is_drawn_over():
    assert (drawn() == BACK).all(2).mean() > 0.9
    assert (drawn()[0] == BACK).all() and (drawn()[-1] == BACK).all()


def test_a_bar_is_as_long_as_the_action_is_likely_in_the_colour_of_who_does_it():
    widths = [
        rows_of(drawn([Row((1,), "walk", score)]), person_colour(1))[1] for score in (0.5, 1.0)
    ]
    assert widths[1] == 300 - 2 * 22 and widths[0] == widths[1] / 2
    image = drawn([HUG])
    assert rows_of(image, YELLOW)[1] > 200
    assert all(len(rows_of(image, person_colour(person))[0]) > 5 for person in (2, 3))


def test_rows_are_one_below_the_other():
    image = drawn([WALK, Row((2,), "wave", 0.4)])
    first, second = (rows_of(image, person_colour(person))[0] for person in (1, 2))
    assert first.max() < second.min()


def test_what_is_unsure_is_grey():
    image = drawn([Row((1,), likeliest=UNSURE.likeliest)])
    assert rows_of(image, person_colour(1))[1] < 30, "a number and no bar"
    colourful = np.ptp(image.astype(int), axis=2) > 40
    assert not colourful[:, 60:].any()
    assert (image != drawn([Row((1,))])).any(), "the likeliest labels are written"


def test_events_tell_when():
    event = Event((1,), "walk", 50.0, 97.0, 1.0, 1)
    assert (drawn(events=[event]) != drawn(events=[event], time=101.0)).any()
    ongoing = Event((1,), "walk", 50.0, None, 1.0, 1)
    assert (drawn(events=[ongoing]) == drawn(events=[ongoing], time=101.0)).all()


@pytest.mark.parametrize("height", [200, 300, 560])
def test_keys_stay_whole_where_many_are_in_view(height):
    nobody = drawn(size=(300, height))
    crowd = drawn([Row((i,), "walk", 0.5) for i in range(1, 12)], size=(300, height))
    assert (nobody[-120:] == crowd[-120:]).all()
    assert (crowd[-120:] != np.array(BACK)).any()


@pytest.mark.parametrize(
    ("size", "scale"), [((300, 300), 1.0), ((900, 2160), 3.0), ((300, 200), 1.0)]
)
def test_any_size_can_be_drawn(size, scale):
    label = "put on a jacket and take it off again"
    rows = [Row((11, 12), label, 1.0), Row((13,), likeliest=((label, 1.0),)), WALK, UNSURE]
    events = [Event((1, 2), label, 0.0, None, 1.0, 1)] * 9
    image = drawn(rows, events, size, scale)
    assert (image[:, -2:] == BACK).all(), "nothing reaches the edge"


def test_before_the_first_frame_there_are_only_the_keys():
    image = np.zeros((560, 300, 3), np.uint8)
    draw_panel(image, None, 0, 1.0)
    assert (image[:400] == BACK).all() and (image[400:] != BACK).any()
