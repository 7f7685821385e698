"""Teach your own actions, from a folder of labelled clips, in minutes."""

import sys
from pathlib import Path

from apps.cli import Parser, add_pose_options, few, number, run, seed
from apps.extract import add_skeleton_options, extract, read_settings
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
        required=True,
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
    command.add_argument(
        "--processes", type=few, metavar="N", help="how many extract at once (default: one a core)"
    )
    add_pose_options(command)
    add_skeleton_options(command)
    return command


def main() -> None:
    """Run the program."""
    options = parser().parse_args()
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
            extract=extract,
            tell=tell,
        )
    except KeyboardInterrupt as interrupt:
        interrupt.add_note("the same command goes on where it was")
        raise
    print(report.text())
    print(f"wrote {options.out} and {options.out.with_suffix('.html')}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
