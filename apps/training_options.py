"""What the doors of the learning half share: which clips, and how a training is run."""

import argparse
from pathlib import Path

from apps.cli import Parser
from models.errors import UserError


def add_data_options(command: Parser) -> None:
    """Add the options that `load_clips` reads."""
    command.add_argument("--data", type=Path, nargs="+", required=True, help="PYSKL pickles")
    command.add_argument("--split", nargs="+", required=True, help="splits to take from them")
    command.add_argument("--layout", help="joint layout: a name, or a JSON file of joint names")
    command.add_argument("--labels", type=Path, help="JSON map from class names to labels")


def add_validation_option(command: Parser, text: str) -> None:
    """Add the option that `parted` reads."""
    command.add_argument("--validation", nargs="*", metavar="SPLIT", help=text)


def training_clips(options: argparse.Namespace, classes: list[str] | None = None):
    """The clips to train on, and those held out for validation (none unless asked for)."""
    return parted(options, load_clips(options, options.split, classes))


def parted(options: argparse.Namespace, clips: list):
    """All of the clips and none, or with --validation what is left and what is held out."""
    from models.data.pyskl import hold_out

    return (clips, []) if options.validation is None else hold_out(clips, options.validation)


def load_clips(options: argparse.Namespace, splits: list[str], classes: list[str] | None = None):
    """Clips of these splits, labelled in the vocabulary that was asked for.

    Raises:
        UserError: a file, a split, the layout or the label map is not what it should be.
    """
    from models.data.pyskl import load_split, read_label_map, relabel

    mapping = read_label_map(options.labels) if options.labels else None
    return relabel(load_split(options.data, splits, options.layout, classes), mapping)


def add_training_options(command: Parser) -> None:
    """Add the options that both training doors read."""
    command.add_argument("config", type=Path, help="an MMEngine config (Python: trust it)")
    add_data_options(command)
    add_validation_option(
        command, "hold these splits of the clips out (of other files the last subject, or a fifth)"
    )
    command.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    command.add_argument("--work-dir", type=Path, help="logs, for --resume (default runs/NAME)")
    command.add_argument("--resume", action="store_true", help="go on from the work folder")
    command.add_argument("--tensorboard", action="store_true", help="write TensorBoard's files")
    command.add_argument("--amp", action="store_true", help="compute in bfloat16 where safe")
    command.add_argument("--seed", type=int, default=0, help="of everything random (default 0)")
    command.add_argument("--epochs", type=int, help="instead of the config's")
    command.add_argument("--threads", type=int, help="processor threads (default PyTorch's choice)")


def training_run(options: argparse.Namespace, settings) -> dict:
    """How to run the training, as `models.training.recipes` takes it; sets the number of epochs."""
    import torch

    work_dir = options.work_dir or Path("runs") / options.out.stem
    if options.out.is_dir():
        raise UserError(f"{options.out} is a folder; name a file to write with --out")
    for folder in (options.out.parent, work_dir):  # now, and not after the training
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.epochs:
        settings.schedule.epochs = options.epochs
    return {
        "work_dir": work_dir,
        "seed": options.seed,
        "resume": options.resume,
        "tensorboard": options.tensorboard,
        "amp": options.amp,
    }
