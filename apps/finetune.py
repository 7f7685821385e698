"""Fine-tune STRL to classify actions, from what pretrain.py wrote or from another STRL."""

from pathlib import Path

from apps.cli import Parser, run
from apps.training_options import add_training_options, prepare_run, training_clips


def parser() -> Parser:
    """Build the command-line parser."""
    command = Parser(prog="finetune.py", description=__doc__)
    add_training_options(command)
    command.add_argument(
        "--pretrained",
        type=Path,
        help="checkpoint of pretrain.py to start from, or STRL to continue from (default: none)",
    )
    command.add_argument(
        "--calibrated",
        type=Path,
        metavar="CHECKPOINT",
        help="take temperature and thresholds from this checkpoint, made by the same recipe with "
        "--validation (default: calibrate on the clips that --validation holds out)",
    )
    return command


def main() -> None:
    """Run the program."""
    options = parser().parse_args()
    from models.action.strl import STRL, load_network
    from models.training.evaluation import evaluate
    from models.training.recipes import calibrate, finetune, read_config, take_calibration

    config = read_config(options.config)
    clips, validation = training_clips(options, config.get("classes"))
    pretrained = load_network(options.pretrained) if options.pretrained else None
    calibrated = STRL.load(options.calibrated) if options.calibrated else None
    model = finetune(config, clips, prepare_run(options, config.finetune), pretrained)
    if calibrated:
        take_calibration(model, calibrated)
    elif validation:
        calibrate(config, model, validation)
    if validation:
        print(evaluate(model, validation, config.finetune.mode).text())
    model.save(options.out)


if __name__ == "__main__":
    run(main)
