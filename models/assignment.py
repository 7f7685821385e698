"""Who is whom: the assignment of one set to another with the greatest sum of values."""

import lap
import numpy as np


def assign(values: np.ndarray) -> list[tuple[int, int]]:
    """Assign rows to columns so that the sum of their values is greatest.

    Equal to SciPy's `linear_sum_assignment`, by a package of 3 MB in place of one of 113.

    Args:
        values: float [R, C], finite; R or C may be 0.

    Returns:
        Row and column of each pair, min(R, C) of them, by row.
    """
    if not values.size:
        return []
    _, columns, _ = lap.lapjv(-values.astype(np.float64), extend_cost=True)
    return [(row, int(column)) for row, column in enumerate(columns) if column >= 0]
