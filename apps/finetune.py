"""Train STRL to classify actions, starting from a pre-trained SkeletonMAE or another STRL."""

from pathlib import Path

from apps.cli import Parser, run
from apps.training_options import add_training_options, training_clips, training_run


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="finetune.py", description=__doc__)
    add_training_options(command)
    command.add_argument(
        "--pretrained",
        type=Path,
        help="SkeletonMAE checkpoint, or an STRL one to go on from (default: none)",
    )
    command.add_argument(
        "--calibrated",
        type=Path,
        metavar="CHECKPOINT",
        help="take temperature and thresholds from this run of the same recipe with --validation, "
        "which otherwise calibrates on what it holds out",
    )
    return command


def main() -> None:
    """Run the program."""
    options = parser().parse_args()
    from models.action.strl import STRL, load_network
    from models.training.evaluation import evaluate
    from models.training.recipes import calibrate, finetune, read_config

    config = read_config(options.config)
    clips, validation = training_clips(options, config.get("classes"))
    pretrained = load_network(options.pretrained) if options.pretrained else None
    twin = STRL.load(options.calibrated) if options.calibrated else None
    model = finetune(config, clips, pretrained, **training_run(options, config.finetune))
    if twin:
        model.temperature, model.thresholds = twin.temperature, twin.thresholds
    elif validation:
        calibrate(config, model, validation)
    if validation:
        print(evaluate(model, validation, config.finetune.mode).text())
    model.save(options.out)


if __name__ == "__main__":
    run(main)
