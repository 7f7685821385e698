"""Frames a second: of the whole pipeline, and of single networks."""

import os
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from models.runtime.compiled import CompiledSTRL, CompiledTopdown
from pipeline.annotate import annotate
from pipeline.engine import QUALITIES, WEIGHTS, Pipeline
from pipeline.pose import BUNDLED, PoseEstimator
from pipeline.source import Frame, open_source
from pipeline.speed.stages import temporary_video
from pipeline.speed.timing import ROUNDS, drain, median, seconds

Pose = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def end_to_end(pipeline: Pipeline, path: Path) -> float:
    """Frames a second from video file to video file, as in `apps/video.py`."""

    def once() -> float:
        pipeline.reset()
        with temporary_video(path) as video, open_source(path) as source:
            began = time.perf_counter()
            with closing(annotate(pipeline, source, video)) as results:
                frames = sum(1 for _ in results)
            return frames / (time.perf_counter() - began)

    return median(once, ROUNDS)


def decoded(pipeline: Pipeline, frames: list[Frame], rounds: int = ROUNDS) -> float:
    """Frames a second from decoded frames to results."""

    def once() -> float:
        pipeline.reset()
        return len(frames) / seconds(lambda: drain(pipeline.run(frames)))

    return median(once, rounds)


def pose_alone(
    quality: str, runtime: str | None, calls: list[tuple[Any, ...]], rounds: int = ROUNDS
) -> float:
    """Calls a second of the pose stage on its own, at its best number of threads."""
    best = 0.0
    for threads in range(1, (os.cpu_count() or 1) + 1):
        once = partial(seconds, partial(_replay, _pose_on(quality, runtime, threads), calls))
        best = max(best, len(calls) / median(once, rounds))
    return best


def _pose_on(quality: str, runtime: str | None, threads: int) -> Pose:
    """The pose stage on so many threads."""
    name = QUALITIES[quality]
    if runtime != "torch":
        return CompiledTopdown(BUNDLED[name], threads=threads)
    import torch  # takes seconds that the compiled network does without

    torch.set_num_threads(threads)
    return PoseEstimator(name, runtime="torch")


def _replay(pose: Pose, calls: list[tuple[Any, ...]]) -> None:
    for call in calls:
        pose(*call)


def strl_alone() -> float:
    """Seconds that STRL takes for one window of two people, on one thread."""
    network = CompiledSTRL(WEIGHTS, threads=1)
    rng = np.random.default_rng(0)
    window = rng.normal(0, 1, (1, 2, 64, 17, 2)).astype(np.float32)
    present = np.ones(window.shape[:-1], bool)
    return median(lambda: seconds(lambda: network.answer(window, present)), 50)
