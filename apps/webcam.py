"""Recognise the actions of people in front of a camera, live."""

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from apps.cli import (
    Parser,
    add_live_options,
    add_output_options,
    add_pipeline_options,
    build_pipeline,
    is_mirrored,
    list_actions,
    run,
    stop_by,
)
from models.text import tell
from pipeline.camera.devices import describe, find_cameras
from pipeline.camera.keeper import Keeper, label_folder
from pipeline.camera.recorder import Recorder
from pipeline.camera.screen import Screen
from pipeline.camera.sources import open_live
from pipeline.camera.watch import watch
from pipeline.hook import Hook
from pipeline.notices import Notice, notify
from pipeline.sink import JsonLinesSink, LinesSink, NoticesSink


def parser() -> Parser:
    """The command line."""
    keys = (
        "keys in the window: q or Esc quit, f full screen, h hide or show the panel, space pause, "
        "s save a picture, r record, c keep the last two seconds as a clip, with --clips"
    )
    command = Parser(prog="webcam.py", description=__doc__, epilog=keys)
    live = add_live_options(command)
    live.add_argument("--list-cameras", action="store_true", help="list the cameras there are")
    output = add_output_options(
        command, "--record", metavar="OUT.mp4", help="record from the beginning"
    )
    output.add_argument(
        "--clips",
        type=Path,
        metavar="FOLDER/LABEL",
        help="where the key c keeps clips of a label, to teach by",
    )
    output.add_argument(
        "--events",
        metavar="FILE",
        help="one JSON object whenever an action begins or ends, as it happens; - for stdout",
    )
    output.add_argument(
        "--hook",
        metavar="URL",
        help="post the same objects to an http:// or https:// address; nothing else is sent",
    )
    add_pipeline_options(command)
    return command


def main() -> None:
    """Run the program."""
    command = parser()
    options = command.parse_args()
    if options.list_actions:
        return list_actions(options)
    if options.list_cameras:
        return list_cameras()
    outputs = (options.record, options.json, options.events, options.hook)
    if options.headless and all(output is None for output in outputs):
        command.error("--headless needs --record, --json, --events or --hook")
    if options.json == options.events == "-":
        command.error("--json and --events cannot both write to standard output")
    process(options)


def process(options: argparse.Namespace) -> None:
    """Watch the source, into the window and every output asked for.

    Raises:
        UserError: an argument is wrong, there is no such source, or an output cannot be written.
    """
    clips = options.clips and label_folder(options.clips.parent, options.clips.name)
    with ExitStack() as stack:
        # Mistakes about the source and the outputs are reported before the networks are loaded.
        source = stack.enter_context(open_live(options.source))
        recorder = stack.enter_context(Recorder(source, options.record))
        keeper = Keeper(source, clips) if clips else None
        sinks: list[LinesSink] = []
        receivers: list[Callable[[Notice], None]] = []
        if options.hook is not None:
            receivers.append(stack.enter_context(Hook(options.hook, tell)).post)
        if options.events is not None:
            notices = stack.enter_context(NoticesSink(options.events, source, source.is_stopped))
            receivers.append(notices.write)
            sinks.append(notices)
        screen = lines = None
        if not options.headless:
            keys = {"s": recorder.save, "r": recorder.toggle}
            if keeper:
                keys["c"] = keeper.keep
            screen = stack.enter_context(Screen(source, is_mirrored(options), keys))
        pipeline = build_pipeline(options)
        if options.json is not None:
            lines = JsonLinesSink(options.json, pipeline.labels, source, source.is_stopped)
            sinks.append(stack.enter_context(lines))
        if receivers:
            notify(pipeline, *receivers)
        # Ctrl-C is the usual end, not an error: outputs are finished as at any other end.
        stop_by(source.stop)
        watch(pipeline, source, recorder, tell, lines, screen, keeper)
        pipeline.reset()  # what still goes on ends
    written = [sink.path for sink in sinks]
    for path in [*recorder.saved, *(keeper.saved if keeper else []), *written]:
        tell(f"wrote {path}")


def list_cameras() -> None:
    """Print the cameras of this machine, each on a line."""
    lines = describe(find_cameras())
    for line in lines or ["no camera was found: plug one in"]:
        print(line)


if __name__ == "__main__":
    run(main)
