"""Train STRL to classify actions, starting from a pre-trained SkeletonMAE."""

from pathlib import Path

from apps.cli import Parser, run
from apps.training_options import add_training_options, load_clips, training_run


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="finetune.py", description=__doc__)
    add_training_options(command)
    command.add_argument("--pretrained", type=Path, help="SkeletonMAE checkpoint (default: none)")
    calibration = command.add_mutually_exclusive_group()
    calibration.add_argument(
        "--validation",
        nargs="*",
        metavar="SPLIT",
        help="hold these splits of the training clips out (of other files the last subject, or "
        "a fifth), print the figures on them, and calibrate on them",
    )
    calibration.add_argument(
        "--calibrated",
        type=Path,
        metavar="CHECKPOINT",
        help="take temperature and thresholds from the same recipe's model with --validation",
    )
    return command


def main() -> None:
    """Run the program."""
    options = parser().parse_args()
    from models.data import hold_out
    from models.evaluation import evaluate
    from models.recipes import calibrate, finetune, read_config
    from models.skeleton_mae import SkeletonMAE
    from models.strl import STRL

    config = read_config(options.config)
    clips, validation = load_clips(options, options.split, config.get("classes")), []
    if options.validation is not None:
        clips, validation = hold_out(clips, options.validation)
    pretrained = SkeletonMAE.load(options.pretrained) if options.pretrained else None
    twin = STRL.load(options.calibrated) if options.calibrated else None
    model = finetune(config, clips, pretrained, **training_run(options, config.finetune))
    if twin:
        model.temperature, model.thresholds = twin.temperature, twin.thresholds
    if validation:
        calibrate(config, model, validation)
        print(evaluate(model, validation, config.finetune.mode).text())
    model.save(options.out)


if __name__ == "__main__":
    run(main)
