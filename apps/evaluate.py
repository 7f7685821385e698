"""Evaluate a classifier on splits of data sets."""

from pathlib import Path

from apps.cli import Parser, few, run
from apps.training_options import (
    add_data_options,
    add_validation_option,
    hold_out_validation,
    load_clips,
)


def parser() -> Parser:
    """Build the command-line parser."""
    command = Parser(prog="evaluate.py", description=__doc__)
    command.add_argument(
        "weights", type=Path, help="STRL checkpoint; see also --linear, --neighbours and --rebuild"
    )
    add_data_options(command)
    add_validation_option(
        command, "use only the clips that finetune.py --validation SPLIT ... holds out"
    )
    command.add_argument(
        "--mode",
        choices=("clip", "window"),
        default="clip",
        help="whole clips stretched over the window, or windows as seen live (default clip)",
    )
    command.add_argument(
        "--views",
        type=few,
        default=0,
        metavar="N",
        help="see 3D clips by N cameras around the people, and give means over them (default: by "
        "the camera that recorded them)",
    )
    probes = command.add_mutually_exclusive_group()
    probes.add_argument(
        "--linear",
        nargs="+",
        metavar="SPLIT",
        help="evaluate a linear probe: a linear classifier on the frozen features, trained on "
        "these splits; the checkpoint may also be one of pretrain.py",
    )
    probes.add_argument(
        "--neighbours",
        nargs="+",
        metavar="SPLIT",
        help="evaluate nearest neighbours in the space of the frozen features, among the clips of "
        "these splits; the checkpoint may also be one of pretrain.py",
    )
    command.add_argument(
        "--rebuild",
        action="store_true",
        help="measure only how well a SkeletonMAE checkpoint reconstructs masked joints",
    )
    command.add_argument(
        "--stress",
        action="store_true",
        help="also measure top-1 under noise, missing joints, other views, ...",
    )
    command.add_argument("--json", type=Path, help="also write the figures to this file")
    command.add_argument(
        "--picture", type=Path, help="draw the confusion matrix to this file (.png)"
    )
    command.add_argument(
        "--mistakes", type=Path, help="draw the surest wrong answers to this file (.png)"
    )
    return command


def main() -> None:
    """Run the program."""
    options = parser().parse_args()
    from models.action.skeleton_mae import SkeletonMAE
    from models.action.strl import STRL
    from models.files import write_json
    from models.training.evaluation import Classifier, evaluate, format_figures
    from models.training.pictures import draw_confusion, draw_mistakes
    from models.training.probe import PROBES
    from models.training.reconstruction import reconstruction_error

    clips, held_out = hold_out_validation(options, load_clips(options, options.split))
    clips = clips if options.validation is None else held_out
    if options.rebuild:
        figures = reconstruction_error(SkeletonMAE.load(options.weights), clips)
        print(format_figures(figures))
        if options.json:
            write_json(options.json, figures)
        return
    model: Classifier
    for kind, make in PROBES.items():
        if splits := getattr(options, kind):
            model = make(options.weights, load_clips(options, splits), options.mode)
            break
    else:
        model = STRL.load(options.weights)
    evaluation = evaluate(model, clips, options.mode, options.stress, options.views)
    print(evaluation.text())
    if options.json:
        write_json(options.json, evaluation.figures)
    if options.picture:
        draw_confusion(evaluation, options.picture)
    if options.mistakes:
        draw_mistakes(evaluation.mistakes, options.mistakes)


if __name__ == "__main__":
    run(main)
