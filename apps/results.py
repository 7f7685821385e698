"""Run or continue a study, and print its table.

Several processes with the same --out share the work.
"""

from pathlib import Path

from apps.cli import Parser, run, seed, threads


def parser() -> Parser:
    """Build the command-line parser."""
    command = Parser(prog="results.py", description=__doc__)
    command.add_argument(
        "config",
        type=Path,
        help="models/configs/benchmark.py, fractions.py, motion_fractions.py or ablation.py",
    )
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, help="folder of the data sets")
    what.add_argument(
        "--table", action="store_true", help="only print the table of the runs so far"
    )
    command.add_argument(
        "--out",
        type=Path,
        default=Path("runs/results"),
        help="folder of the records (default runs/results)",
    )
    command.add_argument("--seeds", type=seed, nargs="+", help="seeds (default: the config's)")
    command.add_argument("--only", default="", help="do only the runs whose name has this prefix")
    command.add_argument(
        "--peer",
        nargs="+",
        default=[],
        metavar="NAME",
        help="also train these peers of the config on the same windows (stgcn++, stgcn++-15min; "
        "MMAction2 has to be installed); benchmark.py only",
    )
    command.add_argument(
        "--into",
        type=Path,
        metavar="FILE.md",
        help="put the table into this file, between <!-- KIND --> and <!-- /KIND -->",
    )
    command.add_argument(
        "--plot", type=Path, help="draw curves to this file (.png); fractions.py only"
    )
    command.add_argument("--amp", action="store_true", help="compute in bfloat16 where safe")
    command.add_argument("--threads", type=threads, help="CPU threads (default: PyTorch's choice)")
    return command


def main() -> None:
    """Run the program."""
    options = parser().parse_args()
    import torch

    from models.training.recipes import read_config
    from models.training.studies import Study
    from models.training.tables import insert, plot, table

    if options.threads:
        torch.set_num_threads(options.threads)
    config = read_config(options.config)
    study = Study(config, options.out, options.seeds, options.only, options.peer)
    if options.data:
        study.work(options.data, options.amp)
    records = study.records()
    print(text := table(records, config))
    if options.into:
        insert(text, config.study.kind, options.into)
    if options.plot:
        plot(records, config, options.plot)


if __name__ == "__main__":
    run(main)
