"""Process many videos: on all cores of this machine, or on a Ray cluster."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING

from apps.cli import (
    Parser,
    add_pipeline_options,
    add_reading_options,
    few,
    list_actions,
    number,
    read_choices,
    run,
)
from models.errors import note
from models.text import tell

if TYPE_CHECKING:  # imported in functions, since it takes seconds and --help should not
    from pipeline.batch.plan import Plan
    from pipeline.batch.work import Settings

SHOWN = 20
"""Videos that are told of at the end; the summary has all."""


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="batch.py", description=__doc__)
    command.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="a folder, a pattern, a .txt list of paths, a video, or an address of these by fsspec",
    )
    output = command.add_argument_group("output")
    output.add_argument(
        "--out", metavar="FOLDER", help="for all results; default: each beside its video"
    )
    output.add_argument("--video", action="store_true", help="annotated videos, too")
    output.add_argument(
        "--table",
        metavar="FILE",
        help="all events, as .csv or .parquet (default: events.csv in --out)",
    )
    where = command.add_argument_group("where")
    either = where.add_mutually_exclusive_group()
    either.add_argument("--address", help="of a Ray cluster; auto for the one of this machine")
    either.add_argument(
        "--workers", type=few, metavar="N", help="how many work at once here (default: one a core)"
    )
    where.add_argument(
        "--gpu-share",
        type=number(0, 8),
        metavar="X",
        help="part of a GPU for each worker, with --device cuda (default 1)",
    )
    add_reading_options(command)
    add_pipeline_options(command)
    return command


def main() -> None:
    """Run the program."""
    command = parser()
    options = command.parse_args()
    if options.list_actions:
        return list_actions(options)
    if not options.sources:
        command.error("name a folder of videos")
    process(options)


def process(options: argparse.Namespace) -> None:
    """Process all videos.

    Exits with status 1 if a video failed or is damaged.

    Raises:
        UserError: an argument is wrong, or what every video needs is missing.
    """
    from pipeline.batch.places import beside, join
    from pipeline.batch.plan import Plan, check_table, write_summary, write_table
    from pipeline.batch.videos import find_videos
    from pipeline.cluster import import_ray

    began = monotonic()
    table = options.table or join(options.out or ".", "events.csv")
    check_table(table)
    import_ray()
    plan = Plan(find_videos(options.sources), options.out, read_settings(options))
    try:
        work(plan, options)
    except KeyboardInterrupt as interrupt:
        note(interrupt, "the same command goes on where it was")
        raise
    write_table(table, plan.rows())
    summary = beside(table, "summary.json")
    write_summary(summary, plan.summary(monotonic() - began))
    tell(f"wrote {table} and {summary}: {len(plan.done)} of {len(plan.names)} videos are done")
    if plan.failed or plan.problems:
        report(plan)
        sys.exit(1)


def read_settings(options: argparse.Namespace) -> Settings:
    """Say how videos are processed, from the command line."""
    from pipeline.batch.work import Settings

    choices = read_choices(options, threads=1)
    return Settings(choices, options.stride, options.max_seconds, options.video)


def work(plan: Plan, options: argparse.Namespace) -> None:
    """Do what is to do, with a progress bar."""
    from tqdm import tqdm

    from pipeline.batch.work import load, process
    from pipeline.cluster import Lost, cluster, run_all

    if not plan.jobs:
        return
    load(next(iter(plan.jobs.values())).settings.choices)  # a mistake is told before all begins
    gpus = 0.0
    if options.device.startswith("cuda"):
        gpus = 1.0 if options.gpu_share is None else options.gpu_share
    form = "{n_fmt} of {total_fmt} videos|{bar}| {desc}, {elapsed} passed, {remaining} left"
    with (
        cluster(options.address, options.workers),
        closing(run_all(process, plan.jobs, gpus)) as outcomes,
        tqdm(total=len(plan.jobs), bar_format=form, dynamic_ncols=True, smoothing=0) as bar,
    ):
        began, seconds = monotonic(), 0.0
        bar.set_description_str("0.0 s of video a second")
        for name, outcome in outcomes:
            plan.add(name, outcome.reason if isinstance(outcome, Lost) else outcome)
            seconds += plan.done[name].seconds if name in plan.done else 0
            rate = seconds / (monotonic() - began)
            bar.set_description_str(f"{rate:.1f} s of video a second", refresh=False)
            bar.update()


def report(plan: Plan) -> None:
    """Say what went wrong, of the first videos."""
    lines = [f"failed: {name}: {reason}" for name, reason in plan.failed.items()]
    lines += [f"{name} {problem}" for name, problem in plan.problems.items()]
    for line in lines[:SHOWN]:
        tell(line)
    if len(lines) > SHOWN:
        tell(f"and {len(lines) - SHOWN} more: see the summary")


if __name__ == "__main__":
    run(main)
