"""Groups of boxes against SciPy's connected components."""

import numpy as np
from scipy.sparse.csgraph import connected_components

from pipeline.boxes import connected


def test_groups_are_the_connected_components():
    rng = np.random.default_rng(0)
    for count in (1, 2, 5, 12, 12, 30):
        linked = rng.uniform(size=(count, count)) < 1 / count
        linked |= linked.T | np.eye(count, dtype=bool)
        _, expected = connected_components(linked)
        group = connected(linked)
        np.testing.assert_array_equal(group[:, None] == group, expected[:, None] == expected)


def test_a_long_chain_is_one_group():
    chain = np.abs(np.subtract.outer(range(50), range(50))) <= 1
    assert set(connected(chain)) == {0}
