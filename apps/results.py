"""Make a study's figures, or go on with it, and print its table.

Several of these at once share the work, where they share --out.
"""

from pathlib import Path

from apps.cli import Parser, run


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="results.py", description=__doc__)
    command.add_argument(
        "config", type=Path, help="models/configs/benchmark.py, fractions.py or ablation.py"
    )
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, help="folder of the pickles")
    what.add_argument("--table", action="store_true", help="only print the table of what is done")
    command.add_argument("--out", type=Path, default=Path("runs/results"), help="one JSON a run")
    command.add_argument("--seeds", type=int, nargs="+", help="instead of the config's")
    command.add_argument("--only", default="", help="runs whose name begins so")
    command.add_argument(
        "--into",
        type=Path,
        metavar="FILE.md",
        help="put the table there, between <!-- KIND --> and <!-- /KIND --> (benchmark, ...)",
    )
    command.add_argument("--plot", type=Path, help="draw curves here (.png), of fractions.py")
    command.add_argument("--amp", action="store_true", help="compute in bfloat16 where safe")
    command.add_argument("--threads", type=int, help="processor threads (default PyTorch's choice)")
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
    study = Study(config, options.out, options.seeds, options.only)
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
