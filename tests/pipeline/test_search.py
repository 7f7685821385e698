import numpy as np
import pytest

from pipeline.changes import COLUMNS, ROWS
from pipeline.search import (
    CLOSE_INPUT,
    CLOSE_UP_INPUTS,
    LOST_INPUT,
    STABLE_RUNS,
    WHOLE_INPUT,
    Search,
    all_views,
    square,
    tiles,
)

LARGE, SMALL = (1080, 1920, 3), (288, 436, 3)
GREY = np.full((ROWS, COLUMNS), 90.0)
SOMEBODY, NOBODY = np.float32([[100, 50, 150, 200]]), np.zeros((0, 4), np.float32)


def run(search, time, shape=LARGE, thumbnail=GREY, tracked=SOMEBODY, certain=False, lost=NOBODY):
    return search.views(time, shape, thumbnail, tracked, certain, lost)


def test_the_first_run_covers_people_of_all_sizes():
    assert run(Search(), 0.0) == all_views(LARGE)
    assert [view.size for view in all_views(LARGE)] == [CLOSE_INPUT, *[WHOLE_INPUT] * 5]
    assert [view.size for view in all_views(SMALL)] == [CLOSE_INPUT, WHOLE_INPUT]


def test_every_run_looks_for_people_who_fill_the_picture_and_the_rest_takes_turns():
    search = Search()
    runs = [run(search, time) for time in range(9)]
    assert all(views[0].size == CLOSE_INPUT and not views[0].tile for views in runs)
    fine = [views[1] for views in runs[1:]]
    assert [view.tile for view in fine] == [True, False] * 4
    assert {view for view in fine if view.tile} == set(tiles(LARGE))


def test_while_nobody_is_tracked_the_picture_is_turned_too():
    search = Search()
    runs = [run(search, time, tracked=NOBODY) for time in range(4)]
    assert [views[-1].quarter_turns for views in runs] == [1, 2, 3, 1]
    assert all(view.quarter_turns == 0 for view in run(search, 4.0))


def test_a_run_is_left_out_if_nothing_changed_and_all_are_tracked_with_certainty():
    search = Search()
    assert run(search, 0.0, SMALL) and run(search, 0.1, SMALL)
    assert run(search, 0.2, SMALL, certain=True) == []
    assert run(search, 0.3, SMALL, certain=False)
    changed = GREY.copy()
    changed[30:, 50:] += 50
    assert run(search, 0.4, SMALL, changed, certain=True)


def test_runs_are_seldom_while_nobody_new_is_found_and_frequent_while_somebody_is_lost():
    def period(search, urgent=False):
        return next(t for t in np.arange(0, 1, 0.05) if search.due(10.0 + t, urgent))

    search = Search()
    assert search.due(0.0, urgent=False)
    run(search, 10.0)
    search.take(found_new=True)
    assert period(search) == pytest.approx(0.25)
    assert period(search, urgent=True) == pytest.approx(0.1)
    for _ in range(STABLE_RUNS):
        search.take(found_new=False)
    assert period(search) == pytest.approx(0.5)


def test_who_was_lost_is_sought_in_close_ups_between_runs_on_the_whole_picture():
    search = Search()
    first = run(search, 10.0, SMALL)
    for time in (10.1, 10.2):
        (view,) = run(search, time, SMALL, lost=SOMEBODY)
        assert view.size == LOST_INPUT
        assert view.left < 100 and view.right > 150 and view.top < 50 and view.bottom > 200
    assert len(run(search, 10.2, SMALL, lost=np.repeat(SOMEBODY, 2, axis=0))) == 2
    assert run(search, 10.3, SMALL, lost=SOMEBODY) == first
    assert len(run(search, 10.4, SMALL, lost=SOMEBODY)) == 1


def test_close_ups_take_turns_over_sizes_and_surround_the_region():
    search, region = Search(), np.array([100, 50, 200, 250])
    views = [search.close_up(region, SMALL) for _ in CLOSE_UP_INPUTS]
    assert {view.size for view in views} == set(CLOSE_UP_INPUTS)
    for view in views:
        assert view.left < 100 and view.right > 200 and view.top < 50 and view.bottom > 250


def test_a_square_stays_inside_and_is_never_empty():
    assert square((40, 40, 60, 90), (200, 100, 3), 1.2) == (20, 35, 80, 95)
    assert square((-50, -50, 10, 10), (200, 100, 3), 1.2) == (0, 0, 16, 16)
    left, top, right, bottom = square((500, 500, 510, 510), (200, 100, 3), 2.0)
    assert 0 <= left < right <= 100 and 0 <= top < bottom <= 200
