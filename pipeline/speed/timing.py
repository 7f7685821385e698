"""How long calls take, and the median of several rounds."""

import time
from collections.abc import Callable, Iterable

import numpy as np

ROUNDS = 5
"""Measured rounds, after one that warms up and is not counted."""


def median(measure: Callable[[], float], rounds: int) -> float:
    """Median of several measurements, after one that is not counted."""
    measure()
    return float(np.median([measure() for _ in range(rounds)]))


def seconds(work: Callable[[], object]) -> float:
    """Time that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def drain(items: Iterable[object]) -> None:
    """Iterate to the end and keep nothing."""
    for _ in items:
        pass
