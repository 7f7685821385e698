"""Run the benchmark on the small data sets, or go on with it, and print its table."""

from pathlib import Path

from apps.cli import Parser, run


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="results.py", description=__doc__)
    command.add_argument("config", type=Path, help="such as models/configs/benchmark.py")
    command.add_argument("--data", type=Path, required=True, help="folder of the pickles")
    command.add_argument("--out", type=Path, default=Path("runs/results"), help="one JSON a run")
    command.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    command.add_argument("--only", default="", help="protocols whose name begins so")
    command.add_argument("--amp", action="store_true", help="compute in bfloat16 where safe")
    command.add_argument("--threads", type=int, help="processor threads (default PyTorch's choice)")
    return command


def main() -> None:
    """Run the program."""
    options = parser().parse_args()
    import torch

    from models import benchmark
    from models.recipes import read_config

    if options.threads:
        torch.set_num_threads(options.threads)
    config = read_config(options.config)
    benchmark.run(config, options.data, options.out, options.seeds, options.only, options.amp)
    print(benchmark.table(options.out))


if __name__ == "__main__":
    run(main)
