"""How long each stage takes by itself."""

import tempfile
import time
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pipeline.annotate import paint
from pipeline.engine import Pipeline
from pipeline.sink import VideoSink
from pipeline.source import Frame, open_source
from pipeline.speed.timing import seconds

Durations = dict[str, list[float]]


class Timed:
    """Something called, and how long each call took, in seconds."""

    def __init__(self, called, durations: list[float]):
        self._called, self._durations = called, durations
        self.calls: list[tuple] = []

    def __call__(self, *arguments):
        """Pass on to what is timed."""
        self.calls.append(arguments)
        began = time.perf_counter()
        result = self._called(*arguments)
        self._durations.append(time.perf_counter() - began)
        return result

    def __getattr__(self, name):
        value = getattr(self._called, name)
        return Timed(value, self._durations) if name == "search" else value


class AtOnce(Executor):
    """Does what it is given while the caller waits, so that each stage is timed alone."""

    def submit(self, work, /, *arguments):
        """The work's result, which is already there."""
        future = Future()
        future.set_result(work(*arguments))
        return future


@contextmanager
def watched(pipeline: Pipeline):
    """Times the calls of the pipeline's detector and pose stage, nothing beside them."""
    spent: Durations = {"detect": [], "pose": []}
    before = pipeline.detector, pipeline.pose, pipeline.executor
    pipeline.detector = Timed(pipeline.detector, spent["detect"])
    pipeline.pose = Timed(pipeline.pose, spent["pose"])
    pipeline.executor = AtOnce()
    try:
        yield spent
    finally:
        pipeline.detector, pipeline.pose, pipeline.executor = before


def stages(
    pipeline: Pipeline, path: Path, frames: list[Frame]
) -> tuple[Durations, list[tuple], list[int]]:
    """The stages one after the other.

    Returns:
        Seconds that each call of each stage takes, what the pose stage was called with, and how
        many people were in each frame.
    """
    pipeline.reset()
    people, track, classify, drawn, encode = [], [], [], [], []
    with watched(pipeline) as spent:
        for frame in frames:
            inner = sum(map(sum, spent.values()))
            began = time.perf_counter()
            seen = pipeline.track(pipeline.compare(frame))
            between = time.perf_counter()
            result = pipeline.classify(seen)
            done = time.perf_counter()
            track.append(between - began - sum(map(sum, spent.values())) + inner)
            if seen.groups:
                classify.append(done - between)
            people.append(len(result.people))
            picture = replace(result, frame=replace(frame, image=frame.image.copy()))
            drawn.append(seconds(lambda picture=picture: paint(picture, pipeline.pose.threshold)))
        calls = pipeline.pose.calls
    with output(path) as video:
        for frame in frames:
            encode.append(seconds(lambda frame=frame: video.write(frame.time, frame.image)))
    with open_source(path, max_seconds=frames[-1].time) as source:
        following = Timed(iter(source).__next__, read := [])
        with suppress(StopIteration):
            while True:
                following()
    spent = {
        "read": read,
        **spent,
        "compare and track": track,
        "cut windows and classify": classify,
        "draw": drawn,
        "encode": encode,
    }
    return spent, calls, people


@contextmanager
def output(path: Path):
    """An annotated video like `path`, thrown away in the end."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_source(path) as source,
        VideoSink(Path(folder) / "out.mp4", source) as video,
    ):
        yield video
