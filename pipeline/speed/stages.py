"""How long each stage takes on its own."""

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from pipeline.annotate import paint
from pipeline.detect import Detector
from pipeline.engine import Pipeline
from pipeline.pose import PoseEstimator
from pipeline.sink import VideoSink
from pipeline.source import Frame, open_source

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class StageTimes:
    """What `stages` measured.

    Attributes:
        durations: seconds of each call, by stage.
        pose_calls: the arguments of each call of the pose stage.
        people: number of people in each frame.
    """

    durations: dict[str, list[float]] = field(default_factory=dict)
    pose_calls: list[tuple[Any, ...]] = field(default_factory=list)
    people: list[int] = field(default_factory=list)


class Timed:
    """Stands in for a callable and measures its calls.

    Attributes:
        durations: seconds of each call.
        calls: arguments of each call.
    """

    def __init__(self, target: Callable[..., Any]):
        self.durations: list[float] = []
        self.calls: list[tuple[Any, ...]] = []
        self._target = target

    def __call__(self, *arguments: Any) -> Any:
        """Call the target."""
        self.calls.append(arguments)
        began = time.perf_counter()
        result = self._target(*arguments)
        self.durations.append(time.perf_counter() - began)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


class InlineExecutor(Executor):
    """Runs what is submitted at once, in the caller's thread, so that stages do not overlap."""

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `work` and return a future that is already done."""
        future: Future[T] = Future()
        future.set_result(work(*args, **kwargs))
        return future


@contextmanager
def timed_networks(pipeline: Pipeline) -> Iterator[tuple[Timed, Timed]]:
    """Time the detector and the pose estimator of a pipeline, while nothing runs beside them.

    Yields:
        What stands in for the detector, and for the pose estimator.
    """
    before = pipeline.detector, pipeline.pose, pipeline.executor
    detector, pose = Timed(pipeline.detector), Timed(pipeline.pose)
    pipeline.detector, pipeline.pose = cast(Detector, detector), cast(PoseEstimator, pose)
    pipeline.executor = InlineExecutor()
    try:
        yield detector, pose
    finally:
        pipeline.detector, pipeline.pose, pipeline.executor = before


def stages(pipeline: Pipeline, path: Path, frames: list[Frame]) -> StageTimes:
    """Time the stages one after the other.

    Args:
        pipeline: with any networks.
        path: the video, to time reading and encoding.
        frames: a section of it, as `pipeline.speed.clips.read` gives it.
    """
    times = StageTimes({"read": _time_reading(path, frames[-1].time)})
    _time_processing(pipeline, frames, times)
    times.durations["encode"] = _time_encoding(path, frames)
    return times


def _time_reading(path: Path, until: float) -> list[float]:
    with open_source(path, max_seconds=until) as source:
        read_next = Timed(iter(source).__next__)
        with suppress(StopIteration):
            while True:
                read_next()
    return read_next.durations


def _time_processing(pipeline: Pipeline, frames: list[Frame], times: StageTimes) -> None:
    """Add the stages from the detector to drawing to `times`."""
    pipeline.reset()
    track: list[float] = []
    classify: list[float] = []
    draw = Timed(paint)
    with timed_networks(pipeline) as (detector, pose):
        for frame in frames:
            networks = sum(detector.durations) + sum(pose.durations)
            began = time.perf_counter()
            tracked = pipeline.track(pipeline.compare(frame))
            between = time.perf_counter()
            result = pipeline.classify(tracked)
            done = time.perf_counter()
            networks = sum(detector.durations) + sum(pose.durations) - networks
            track.append(between - began - networks)
            if tracked.groups:
                classify.append(done - between)
            times.people.append(len(result.people))
            picture = replace(result, frame=replace(frame, image=frame.image.copy()))
            draw(picture, pipeline.pose.threshold)
    times.pose_calls = pose.calls
    times.durations |= {
        "detect": detector.durations,
        "pose": pose.durations,
        "compare and track": track,
        "cut windows and classify": classify,
        "draw": draw.durations,
    }


def _time_encoding(path: Path, frames: list[Frame]) -> list[float]:
    with temporary_video(path) as video:
        write = Timed(video.write)
        for frame in frames:
            write(frame.time, frame.image)
    return write.durations


@contextmanager
def temporary_video(path: Path) -> Iterator[VideoSink]:
    """A sink for an annotated copy of the video `path`, deleted at the end."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_source(path) as source,
        VideoSink(Path(folder) / "out.mp4", source) as video,
    ):
        yield video
