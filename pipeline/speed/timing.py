"""How long calls take, and the median of several rounds."""

import time
from collections.abc import Callable, Iterable

import numpy as np

ROUNDS = 5
"""Rounds that are measured, after one that is not; figures are their medians."""


def median(times: Callable[[], float], rounds: int) -> float:
    """Median of what `times` gives, after one call that is not counted."""
    times()
    return float(np.median([times() for _ in range(rounds)]))


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def use_up(items: Iterable) -> None:
    """Take everything, and keep nothing."""
    for _ in items:
        pass
