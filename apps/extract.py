"""Extract a data set of skeletons from labelled clips: videos, or skeletons of other programs."""

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from apps.cli import Parser, add_pose_options, few, number, run
from models.errors import UserError, note

if TYPE_CHECKING:  # imported in functions, since it takes seconds and --help should not
    from pipeline.extract.dataset import DataSet, Plan
    from pipeline.extract.store import Store
    from pipeline.extract.video import Settings


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="extract.py", description=__doc__)
    command.add_argument(
        "clips",
        type=Path,
        help="a folder with a folder for each label, or a CSV of path,label or path,label,split",
    )
    command.add_argument(
        "--out", type=Path, required=True, help="the data set, a .pkl in PYSKL's format"
    )
    command.add_argument(
        "--people",
        choices=("auto", "1", "2"),
        default="auto",
        help="people whom each label is about (default auto: two if most of its clips look so)",
    )
    add_worker_options(command)
    add_pose_options(command)
    other = add_skeleton_options(command)
    other.add_argument(
        "--space", action="store_true", help="write 3D joints, which NTU's .skeleton files have"
    )
    return command


def add_worker_options(command: Parser) -> None:
    """Add the options for who extracts: processes on this machine, or a cluster."""
    workers = command.add_mutually_exclusive_group()
    workers.add_argument(
        "--processes", type=few, metavar="N", help="how many extract at once (default: one a core)"
    )
    workers.add_argument("--address", help="of a Ray cluster; auto for this machine's")


def add_skeleton_options(command: Parser) -> argparse._ArgumentGroup:
    """Add the options for what files of skeletons do not say, and return their group."""
    other = command.add_argument_group("skeletons of other programs")
    other.add_argument(
        "--fps", type=number(0.001, 1000), default=30.0, help="their frames a second (default 30)"
    )
    other.add_argument("--size", type=size, metavar="WxH", help="their picture, such as 1280x720")
    return other


def size(text: str) -> tuple[int, int]:
    """Parse a width and a height, for argparse."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text} is not a size like 1280x720")
    return int(width), int(height)


def main() -> None:
    """Run the program."""
    options = parser().parse_args()
    if options.out.is_dir() or options.out.suffix != ".pkl":
        raise UserError(f"the data set {options.out} must be a file that ends in .pkl")
    from models.data.annotations import write
    from models.data.pyskl import dataset_name
    from pipeline.extract.dataset import Plan, assemble
    from pipeline.extract.store import Store

    settings = read_settings(options)
    store = Store(options.out.with_suffix(".extracted"), settings)
    plan = Plan(options.clips, store, ignored=[options.out])
    try:
        extract(plan, store, settings, options.processes, options.address)
    except KeyboardInterrupt as interrupt:
        note(interrupt, "the same command goes on where it was")
        raise
    about = None if options.people == "auto" else int(options.people)
    data = assemble(plan.examples(), about, options.space)
    report(plan, data)
    if not plan.found:
        raise UserError(f"{options.clips} is empty: put clips into it, a folder for each label")
    if not data.annotations:
        raise UserError(f"no clip in {options.clips} can be used, for the reasons above")
    name = dataset_name(options.out.stem)
    write(options.out, data.annotations, data.classes, name, data.splits, options.space)
    print(f"wrote {options.out}: {len(data.annotations)} of {plan.found} clips", file=sys.stderr)


def read_settings(options: argparse.Namespace) -> "Settings":
    """Say how skeletons are found, from the command line."""
    from models.data.imports.given import Given
    from pipeline.engine import QUALITIES
    from pipeline.extract.video import Settings

    return Settings(
        pose=options.pose or QUALITIES[options.quality],
        pose_config=options.pose_config,
        pose_checkpoint=options.pose_checkpoint,
        device=options.device,
        runtime=options.runtime,
        given=Given(options.fps, options.size),
    )


def extract(
    plan: "Plan",
    store: "Store",
    settings: "Settings",
    processes: int | None,
    address: str | None = None,
) -> None:
    """Extract what is missing, with a progress bar."""
    from pipeline.cluster import available_cores
    from pipeline.extract.workers import extract_all, extract_on

    missing = plan.missing
    if not missing:
        return
    total = sum(plan.sizes.values())
    left = sum(plan.sizes[key] for key in missing)
    done = len(plan.sizes) - len(missing)
    if address:
        outcomes = extract_on(address, missing, store, settings)
    else:
        outcomes = extract_all(missing, store, settings, processes or available_cores())
    form = "{percentage:3.0f}%|{bar}| {desc}, {elapsed} passed, {remaining} left"
    with (
        tqdm(total=total, initial=total - left, bar_format=form, dynamic_ncols=True) as bar,
        closing(outcomes),
    ):
        bar.set_description_str(f"{done} of {len(plan.sizes)} clips")
        for number, (key, outcome) in enumerate(outcomes, 1):
            plan.add(key, outcome)
            bar.set_description_str(f"{done + number} of {len(plan.sizes)} clips", refresh=False)
            bar.update(plan.sizes[key])


def report(plan: "Plan", data: "DataSet") -> None:
    """Print what was left out, what is odd, and what each label got."""
    for remark in data.notes:
        print(f"note on {remark}", file=sys.stderr)
    for remark in plan.left_out + data.left_out:
        print(f"left out {remark}", file=sys.stderr)
    for label in data.labels:
        print(label)


if __name__ == "__main__":
    run(main)
