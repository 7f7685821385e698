"""Frames a second: from file to file, and of single networks."""

import os
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from models.runtime.compiled import CompiledSTRL, CompiledTopdown
from pipeline.annotate import annotate
from pipeline.engine import QUALITIES, WEIGHTS, Pipeline
from pipeline.pose import BUNDLED, PoseEstimator
from pipeline.source import open_source
from pipeline.speed.stages import output
from pipeline.speed.timing import ROUNDS, median, seconds


def end_to_end(pipeline: Pipeline, path: Path) -> float:
    """Frames a second from file to file, as `apps/video.py` goes about it."""

    def once() -> float:
        pipeline.reset()
        with output(path) as video, open_source(path) as source:
            began = time.perf_counter()
            with closing(annotate(pipeline, source, video)) as results:
                frames = sum(1 for _ in results)
            return frames / (time.perf_counter() - began)

    return median(once, ROUNDS)


def pose_alone(
    quality: str, runtime: str | None, calls: list[tuple], rounds: int = ROUNDS
) -> float:
    """Calls a second of the pose stage by itself, at its best number of threads."""
    name = QUALITIES[quality]
    best = 0.0
    for threads in range(1, (os.cpu_count() or 1) + 1):
        if runtime == "torch":
            import torch

            torch.set_num_threads(threads)
            pose = PoseEstimator(name, runtime="torch")
        else:
            pose = CompiledTopdown(BUNDLED[name], threads=threads)
        once = partial(seconds, lambda pose=pose: [pose(*call) for call in calls])
        best = max(best, len(calls) / median(once, rounds))
    return best


def strl_alone() -> float:
    """Seconds for one window of two people, on one thread."""
    network = CompiledSTRL(WEIGHTS, threads=1)
    rng = np.random.default_rng(0)
    window = rng.normal(0, 1, (1, 2, 64, 17, 2)).astype(np.float32)
    present = np.ones(window.shape[:-1], bool)
    return median(lambda: seconds(lambda: network.answer(window, present)), 50)
