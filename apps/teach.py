"""Teach your own actions, from a folder of labelled clips or before the camera, in minutes."""

import argparse
import shlex
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from apps.cli import (
    Parser,
    add_live_options,
    add_pose_options,
    build_pose,
    few,
    is_mirrored,
    number,
    run,
    seed,
    stopped_by,
)
from apps.extract import add_skeleton_options, add_worker_options, extract, read_settings
from models.errors import note
from models.text import tell


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="teach.py", description=__doc__)
    command.add_argument(
        "clips",
        type=Path,
        help="a folder with a folder for each label, or a CSV of path,label; clips of the label "
        "nothing should get none",
    )
    command.add_argument(
        "--out",
        type=Path,
        help="the weights, .safetensors; a page that judges them, .html, is written beside",
    )
    command.add_argument(
        "--minutes",
        type=number(0, 10_000),
        default=5.0,
        help="time for all of it; with 0, a new head alone (default 5)",
    )
    command.add_argument(
        "--extend", action="store_true", help="add the labels to those that are known"
    )
    command.add_argument("--weights", type=Path, help="STRL checkpoint to start from")
    command.add_argument("--seed", type=seed, default=0, help="of all random numbers (default 0)")
    command.add_argument(
        "--people",
        choices=("auto", "1", "2"),
        default="auto",
        help="people whom each label is about (default auto: two if most of its clips look so)",
    )
    add_worker_options(command)
    live = add_live_options(command)
    live.add_argument(
        "--record",
        metavar="LABEL",
        help="first take clips of this label: in the window, k keeps a take, d does it again; "
        "headless, each is kept that shows somebody. With --out, all are then taught",
    )
    live.add_argument(
        "--takes", type=few, default=10, metavar="N", help="number of takes (default 10)"
    )
    live.add_argument(
        "--seconds", type=number(0.5, 10), default=2.0, help="length of a take (default 2)"
    )
    add_pose_options(command)
    add_skeleton_options(command)
    return command


def main() -> None:
    """Run the program."""
    command = parser()
    options = command.parse_args()
    if options.record is None and options.out is None:
        command.error("--out is needed, unless takes are recorded by --record")
    if options.record is None or record_takes(options):
        teach_folder(options)


def record_takes(options: argparse.Namespace) -> bool:
    """Record takes of a label into the folder of clips, and return whether to teach them.

    Raises:
        UserError: an argument is wrong, there is no such source, or a clip cannot be written.
    """
    from pipeline.camera.keeper import Keeper, label_folder
    from pipeline.camera.screen import Screen
    from pipeline.camera.sources import open_live
    from pipeline.camera.takes import Takes, record
    from pipeline.engine import TrackingPipeline

    if options.out is not None:  # mistakes about it are reported before anybody acts
        from pipeline.teaching.folder import check_weights

        check_weights(options.out)
    folder = label_folder(options.clips, options.record)
    with ExitStack() as stack:
        source = stack.enter_context(open_live(options.source))
        keeper = Keeper(source, folder, options.seconds)
        takes = Takes(keeper, options.takes, options.seconds, options.headless, tell)
        screen = None
        if not options.headless:
            keys = {"k": takes.keep, "d": takes.choose_again}
            mirrored = is_mirrored(options)
            screen = stack.enter_context(Screen(source, mirrored, keys, with_panel=False))
        pose = build_pose(options)
        pipeline = TrackingPipeline(pose=pose, device=options.device, runtime=options.runtime)
        try:
            # A take that is being written when Ctrl-C ends the recording is kept whole.
            with stopped_by(lambda *_: source.stop()):
                record(pipeline, source, takes, tell, screen)
        finally:
            tell(f"{len(keeper.saved)} of {options.takes} takes are in {folder}")
    if takes.are_done and options.out is not None:
        return True
    out = options.out or "mine.safetensors"
    tell(f"teach by: python apps/teach.py {shlex.join([str(options.clips), '--out', str(out)])}")
    return False


def teach_folder(options: argparse.Namespace) -> None:
    """Teach what is in the folder of clips.

    Raises:
        UserError: as `pipeline.teaching.folder.teach`.
    """
    from pipeline.engine import WEIGHTS
    from pipeline.teaching.folder import teach

    try:
        report = teach(
            options.clips,
            options.out,
            weights=options.weights or WEIGHTS,
            minutes=options.minutes,
            extend=options.extend,
            people=None if options.people == "auto" else int(options.people),
            seed=options.seed,
            settings=read_settings(options),
            processes=options.processes,
            extract=partial(extract, address=options.address),
            tell=tell,
        )
    except KeyboardInterrupt as interrupt:
        note(interrupt, "the same command goes on where it was")
        raise
    print(report.text())
    print(f"wrote {options.out} and {options.out.with_suffix('.html')}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
