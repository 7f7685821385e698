import numpy as np
import pytest

from models.sample import RATE, span_window
from pipeline.person import Person
from pipeline.window import NEAR, SPAN, Windows, choose_groups
from tests.pipeline.bodies import body, box_of


def person(person_id, x, **kwargs):
    keypoints = body(x, **kwargs)
    return Person(person_id, box_of(keypoints), keypoints)


def walk(windows, rate, until, person_id=1, start=0.0):
    for i in range(round((until - start) * rate) + 1):
        time = start + i / rate
        windows.push(time, [person(person_id, 100 + 80 * time)])


def test_a_window_is_what_the_sample_function_cuts():
    windows = Windows(threshold=0.3)
    walk(windows, 30, 3.0)
    window, present = windows.cut(3.0, [(1,)])
    times = np.arange(91) / 30
    track = times, np.array([body(100 + 80 * t) for t in times])
    expected, expected_present = span_window([track], 3.0, 0.3)
    assert window.shape == (1, 2, 64, 17, 2)
    np.testing.assert_allclose(window[0], expected, atol=1e-4)
    np.testing.assert_array_equal(present[0], expected_present)


@pytest.mark.parametrize("rate", [15, 60])
def test_the_frame_rate_does_not_change_the_window(rate):
    reference, other = Windows(0.3), Windows(0.3)
    walk(reference, 30, 3.0)
    walk(other, rate, 3.0)
    (a, seen_a), (b, seen_b) = reference.cut(3.0, [(1,)]), other.cut(3.0, [(1,)])
    np.testing.assert_array_equal(seen_a, seen_b)
    np.testing.assert_allclose(a, b, atol=1e-3)


def test_what_is_not_there_yet_is_absent():
    windows = Windows(0.3)
    walk(windows, 30, 0.5)
    _, present = windows.cut(0.5, [(1,)])
    assert present[0, 0].any(axis=1).sum() == pytest.approx(0.5 * RATE, abs=1)
    assert present[0, 0, -1].any() and not present[0, 0, 0].any()
    assert not present[0, 1].any()


def test_memory_ends_with_the_window():
    windows = Windows(0.3)
    walk(windows, 30, 10.0)
    assert len(windows._histories[1]) <= (SPAN + 0.3) * 30
    walk(windows, 30, 20.0, person_id=2, start=15.0)
    assert 1 not in windows._histories


def test_only_near_people_are_paired_and_at_most_as_many_pairs_as_people():
    height = float(np.ptp(body(0)[:, 1]))
    apart = NEAR * height
    assert choose_groups([person(1, 0), person(2, apart * 0.9)]) == [(1,), (2,), (1, 2)]
    assert choose_groups([person(1, 0), person(2, apart * 1.1)]) == [(1,), (2,)]
    assert choose_groups([person(2, 0), person(1, apart * 0.9)]) == [(1,), (2,), (1, 2)]
    crowd = [person(i, 20 * i) for i in range(1, 6)]
    assert len(choose_groups(crowd)) == 10
    assert (1, 5) not in choose_groups(crowd)
