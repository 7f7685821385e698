"""Assignments against SciPy's, which is the reference."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from models.assignment import assign


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 4), (3, 7), (9, 2), (40, 60)])
def test_pairs_are_those_of_scipy(shape):
    rng = np.random.default_rng(sum(shape))
    for kind in (np.float32, np.float64):
        for values in rng.normal(0, 1, (20, *shape)).astype(kind):
            rows, columns = linear_sum_assignment(-values)
            assert assign(values) == list(zip(rows, columns, strict=True))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_assign(shape):
    assert assign(np.zeros(shape, np.float32)) == []


def test_equal_values_are_assigned_once_each():
    values = np.zeros((3, 5), np.float32)
    values[1, 4] = 1
    pairs = assign(values)
    assert (1, 4) in pairs and len({row for row, _ in pairs}) == 3
    assert len({column for _, column in pairs}) == 3
