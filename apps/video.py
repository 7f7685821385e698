"""Annotate a video with the people in it and their actions."""

import argparse
from contextlib import ExitStack, closing
from pathlib import Path

from apps.cli import (
    Parser,
    add_output_options,
    add_pipeline_options,
    add_reading_options,
    build_pipeline,
    list_actions,
    run,
)
from models.errors import UserError
from models.text import tell
from pipeline.annotate import annotate
from pipeline.sink import EventsSink, JsonLinesSink, VideoSink
from pipeline.source import open_source


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="video.py", description=__doc__)
    command.add_argument("input", nargs="?", type=Path, help="the video")
    output = add_output_options(command, "--out", help="the annotated video, H.264 in .mp4")
    output.add_argument("--events", type=Path, help="one row an action, as .csv or .json")
    output.add_argument("--no-video", action="store_true", help="write only --json or --events")
    add_reading_options(command)
    add_pipeline_options(command)
    return command


def main() -> None:
    """Run the program."""
    command = parser()
    options = command.parse_args()
    if options.list_actions:
        return list_actions(options)
    if options.input is None:
        command.error("name a video")
    if options.no_video and options.out is not None:
        command.error("--no-video and --out exclude each other")
    if options.no_video and options.json is None and options.events is None:
        command.error("--no-video needs --json or --events")
    if not options.no_video and options.out is None:
        command.error("say where the annotated video goes with --out, or --no-video")
    process(options)


def process(options: argparse.Namespace) -> None:
    """Process the video into every output asked for.

    Raises:
        UserError: an argument is wrong, or, at the end, the video is damaged.
    """
    from tqdm import tqdm  # here, so that Ctrl-C is seen to while it is imported

    with ExitStack() as stack:
        # Mistakes about files are reported before the networks are loaded.
        source = stack.enter_context(
            open_source(options.input, options.stride, options.max_seconds)
        )
        video = events = lines = None
        if options.out is not None:
            video = stack.enter_context(VideoSink(options.out, source))
        if options.events is not None:
            events = stack.enter_context(EventsSink(options.events, source))
        pipeline = build_pipeline(options)
        if options.json is not None:
            lines = stack.enter_context(JsonLinesSink(options.json, pipeline.labels, source))

        results = stack.enter_context(closing(annotate(pipeline, source, video, lines, events)))
        for _ in tqdm(results, total=source.frames, unit=" frames", dynamic_ncols=True):
            pass
    for sink in (video, events, lines):
        if sink:
            tell(f"wrote {sink.path}" + (f"; {sink.problem}" if sink.problem else ""))
    if source.problem:
        raise UserError(source.problem)


if __name__ == "__main__":
    run(main)
