"""How old a frame is when it is drawn, at the pace of a camera."""

import time
from dataclasses import replace

from pipeline.annotate import paint
from pipeline.engine import Pipeline
from pipeline.source import Frame
from pipeline.speed.clips import RATE


def latency(pipeline: Pipeline, frames: list[Frame]) -> tuple[list[float], int]:
    """The frames as a camera gives them, one every 1/30 s, always the newest taken.

    Returns:
        Seconds from each frame's coming to its being drawn, and how many there was no time for.
    """
    pipeline.reset()
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
