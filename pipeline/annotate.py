"""Annotating a video: every frame processed, drawn on and written."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from pipeline.overlay import draw

if TYPE_CHECKING:
    from pipeline.engine import Pipeline, Result
    from pipeline.sink import EventsSink, JsonLinesSink, VideoSink
    from pipeline.source import VideoFile


def annotate(
    pipeline: Pipeline,
    source: VideoFile,
    video: VideoSink | None = None,
    lines: JsonLinesSink | None = None,
    events: EventsSink | None = None,
    threads: bool = True,
) -> Generator[Result, None, None]:
    """Process a video into the given sinks, several frames at a time unless `threads` is False.

    Close the iterator (`contextlib.closing`) before the sinks if it is not iterated to the end.

    Yields:
        The result of each frame, once it is written everywhere. Its picture is drawn on if there
        is a video sink.

    Raises:
        UserError: as the source and the sinks.
    """
    stages: list[Callable[[Result], Result]] = []
    if video is not None:
        stages = [partial(paint, threshold=pipeline.pose.threshold), partial(_encode, video)]
    with closing(pipeline.run(source, *stages, threads=threads)) as results:
        for result in results:
            frame = result.frame
            if lines:
                lines.write(frame.index, frame.time, result.people, result.actions)
            if events:
                events.write(frame.time, result.actions)
            yield result


def paint(result: Result, threshold: float) -> Result:
    """Draw a result on its own picture; arguments as those of `pipeline.overlay.draw`."""
    draw(result.frame.image, result.people, result.actions, threshold)
    return result


def _encode(video: VideoSink, result: Result) -> Result:
    video.write(result.frame.time, result.frame.image)
    return result
