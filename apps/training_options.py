"""Options that the training and evaluation programs share, and what they ask for."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from apps.cli import Parser, seed, threads, whole
from models.errors import UserError

if TYPE_CHECKING:  # imported in functions, since it takes seconds and --help should not
    from mmengine.config import ConfigDict

    from models.data.pyskl import Clip
    from models.training.runner import RunOptions


def add_data_options(command: Parser) -> None:
    """Add the options that `load_clips` reads."""
    command.add_argument(
        "--data", type=Path, nargs="+", required=True, help="data sets, as PYSKL pickles"
    )
    command.add_argument("--split", nargs="+", required=True, help="splits of them to use")
    command.add_argument("--layout", help="joint layout: a name, or a JSON file of joint names")
    command.add_argument("--labels", type=Path, help="JSON map from class names to labels")


def add_validation_option(command: Parser, text: str) -> None:
    """Add the option that `hold_out_validation` reads, with a help text."""
    command.add_argument("--validation", nargs="*", metavar="SPLIT", help=text)


def training_clips(
    options: argparse.Namespace, classes: list[str] | None = None
) -> tuple[list["Clip"], list["Clip"]]:
    """Load the clips to train on and those held out for validation.

    Args:
        options: the command line.
        classes: class names; default: those of the files.

    Raises:
        UserError: as in `load_clips`.
    """
    return hold_out_validation(options, load_clips(options, options.split, classes))


def hold_out_validation(
    options: argparse.Namespace, clips: list["Clip"]
) -> tuple[list["Clip"], list["Clip"]]:
    """Split clips into training and validation clips; without --validation, hold out none."""
    from models.data.pyskl import hold_out

    return (clips, []) if options.validation is None else hold_out(clips, options.validation)


def load_clips(
    options: argparse.Namespace, splits: list[str], classes: list[str] | None = None
) -> list["Clip"]:
    """Load the clips of splits, with the labels that --labels gives them.

    Args:
        options: the command line.
        splits: names of splits.
        classes: class names; default: those of the files.

    Raises:
        UserError: a file, a split, the layout or the label map is missing or invalid.
    """
    from models.data.pyskl import load_split, read_label_map, relabel

    mapping = read_label_map(options.labels) if options.labels else None
    return relabel(load_split(options.data, splits, options.layout, classes), mapping)


def add_training_options(command: Parser) -> None:
    """Add the options that both training programs read."""
    command.add_argument(
        "config",
        type=Path,
        help="MMEngine config; it is Python, and is run: only use one you trust",
    )
    add_data_options(command)
    add_validation_option(
        command,
        "hold out these splits of the clips; of files without them the last subject, or a fifth",
    )
    command.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    command.add_argument(
        "--work-dir", type=Path, help="logs and state of the training (default runs/NAME)"
    )
    command.add_argument("--resume", action="store_true", help="continue from --work-dir")
    command.add_argument("--tensorboard", action="store_true", help="write TensorBoard files")
    command.add_argument("--amp", action="store_true", help="compute in bfloat16 where safe")
    command.add_argument(
        "--seed", type=seed, default=0, help="seed of all random numbers (default 0)"
    )
    command.add_argument(
        "--epochs", type=whole(1, 1_000_000), help="number of epochs (default: the config's)"
    )
    command.add_argument("--threads", type=threads, help="CPU threads (default: PyTorch's choice)")
    command.add_argument(
        "--workers",
        type=whole(0, 1024),
        default=0,
        metavar="N",
        help="processes that make samples beside the one that trains (default 0)",
    )


def prepare_run(options: argparse.Namespace, settings: "ConfigDict") -> "RunOptions":
    """Make the folders to write to, set the number of threads and of epochs, and return the rest.

    Args:
        options: the command line.
        settings: the part of the config to run; its number of epochs is set.

    Raises:
        UserError: a folder cannot be made, or a folder stands where a file is to be written.
    """
    import torch

    from models.training.runner import RunOptions

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
    return RunOptions(
        *(work_dir, options.seed, options.resume, options.tensorboard, options.amp, options.workers)
    )
