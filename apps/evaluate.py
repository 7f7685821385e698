"""Say how good a classifier is on a split of a data set."""

from pathlib import Path

from apps.cli import Parser, run
from apps.training_options import add_data_options, add_validation_option, load_clips, parted


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="evaluate.py", description=__doc__)
    command.add_argument("weights", type=Path, help="STRL checkpoint, or see --linear, --rebuild")
    add_data_options(command)
    add_validation_option(command, "only what finetune.py --validation SPLIT ... holds out of them")
    command.add_argument(
        "--mode",
        choices=("clip", "window"),
        default="clip",
        help="whole clips stretched over the window, or what is seen live (default clip)",
    )
    command.add_argument(
        "--linear",
        nargs="+",
        metavar="SPLIT",
        help="linear probe: a linear classifier of the frozen features, trained on these splits, "
        "in place of the model's own; also takes a SkeletonMAE checkpoint",
    )
    command.add_argument(
        "--rebuild",
        action="store_true",
        help="how well a SkeletonMAE checkpoint puts masked joints back, and nothing else",
    )
    command.add_argument(
        "--stress", action="store_true", help="also under noise, missing joints, other views, ..."
    )
    command.add_argument("--json", type=Path, help="write the figures here too")
    command.add_argument("--picture", type=Path, help="draw the confusion matrix here (.png)")
    return command


def main() -> None:
    """Run the program."""
    options = parser().parse_args()
    from models.action.skeleton_mae import SkeletonMAE
    from models.action.strl import STRL
    from models.files import write_json
    from models.training.evaluation import Classifier, evaluate, format_figures
    from models.training.probe import linear_probe
    from models.training.reconstruction import reconstruction_error

    clips, held = parted(options, load_clips(options, options.split))
    clips = clips if options.validation is None else held
    if options.rebuild:
        figures = reconstruction_error(SkeletonMAE.load(options.weights), clips)
        print(format_figures(figures))
        if options.json:
            write_json(options.json, figures)
        return
    model: Classifier
    if options.linear:
        model = linear_probe(options.weights, load_clips(options, options.linear), options.mode)
    else:
        model = STRL.load(options.weights)
    evaluation = evaluate(model, clips, options.mode, options.stress)
    print(evaluation.text())
    if options.json:
        write_json(options.json, evaluation.figures)
    if options.picture:
        evaluation.draw(options.picture)


if __name__ == "__main__":
    run(main)
