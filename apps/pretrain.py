"""Pre-train SkeletonMAE, or STRL without its head, on skeletons without their labels."""

from apps.cli import Parser, run
from apps.training_options import add_training_options, prepare_run, training_clips


def parser() -> Parser:
    """Build the command-line parser."""
    command = Parser(prog="pretrain.py", description=__doc__)
    add_training_options(command)
    return command


def main() -> None:
    """Run the program."""
    options = parser().parse_args()
    from models.training.recipes import pretrain, pretraining, read_config

    config = read_config(options.config)
    clips, _ = training_clips(options)
    pretrain(config, clips, prepare_run(options, pretraining(config))).save(options.out)


if __name__ == "__main__":
    run(main)
