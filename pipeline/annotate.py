"""A source into its outputs: every frame seen, named, drawn and written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
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
) -> Iterator[Result]:
    """Process a source into the sinks that there are, several frames at a time.

    Close the iterator (`contextlib.closing`) before the sinks if it is not used up.

    Yields:
        The `Result` of each frame, once all of its outputs are written; drawn on if there is a
        video.

    Raises:
        UserError: as the source and the sinks.
    """

    def paint(result: Result) -> Result:
        draw(result.frame.image, result.people, result.actions, pipeline.pose.threshold)
        return result

    def encode(result: Result) -> Result:
        video.write(result.frame.time, result.frame.image)
        return result

    stages = (paint, encode) if video else ()
    with closing(pipeline.run(source, *stages)) as results:
        for result in results:
            frame = result.frame
            if lines:
                lines.write(frame.index, frame.time, result.people, result.actions)
            if events:
                events.write(frame.time, result.actions)
            yield result
