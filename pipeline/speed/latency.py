"""How old a frame is when it is drawn, at the pace of a camera."""

import time
from dataclasses import replace

from pipeline.annotate import paint
from pipeline.engine import Pipeline
from pipeline.source import Frame
from pipeline.speed.clips import RATE


def latency(pipeline: Pipeline, frames: list[Frame]) -> tuple[list[float], int]:
    """Process frames as a camera delivers them, always the newest one.

    Args:
        pipeline: with any networks.
        frames: one is due every 1/30 s.

    Returns:
        Seconds from the arrival of each processed frame to its drawing, and the number of frames
        that were dropped.
    """
    pipeline.reset()
    delays: list[float] = []
    number = 0
    began = time.perf_counter() + 1 / RATE
    while number < len(frames):
        due = began + number / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        frame = replace(frames[number], image=frames[number].image.copy())
        paint(pipeline(frame), pipeline.pose.threshold)
        now = time.perf_counter()
        delays.append(now - due)
        number = max(number + 1, int((now - began) * RATE))
    return delays, len(frames) - len(delays)
