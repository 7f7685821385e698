"""What the doors share: the options of the pipeline, and how mistakes are answered."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from models.errors import UserError
from models.runtime.graphs import RUNTIMES


class Parser(argparse.ArgumentParser):
    """An argument parser that answers a mistake with one line."""

    def error(self, message: str) -> NoReturn:
        """Raise what `run` prints."""
        raise UserError(f"{message} (see --help)")


def run(main: Callable[[], None]) -> None:
    """Run a door; a `UserError` becomes one line on standard error and exit status 2.

    Ctrl-C exits with 130, as shells have it. Notes on the exception, such as where the part that
    was done is, go into the same line.
    """
    try:
        main()
    except UserError as error:
        _leave(f"error: {error}", error, 2)
    except KeyboardInterrupt as interrupt:
        _leave("stopped", interrupt, 130)


def _leave(line: str, reason: BaseException, status: int) -> NoReturn:
    print("; ".join([line, *getattr(reason, "__notes__", [])]), file=sys.stderr)
    sys.exit(status)


def confidence(text: str) -> float:
    """A probability, for argparse."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def people(text: str) -> int:
    """A positive number, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def add_output_options(command: Parser, video: str, **settings: str) -> argparse._ArgumentGroup:
    """Add the options for what is written: an annotated video, and JSON Lines.

    Args:
        command: the parser of the door.
        video: name of the option for the video, a path.
        settings: `add_argument`'s, for this option.

    Returns:
        The group of these options; a door adds those of its own.
    """
    output = command.add_argument_group("output")
    output.add_argument(video, type=Path, **settings)
    output.add_argument("--json", metavar="FILE", help="one JSON object a frame; - for stdout")
    return output


def add_pipeline_options(command: Parser) -> None:
    """Add the options that `build_pipeline` reads."""
    what = command.add_argument_group("what is recognised")
    what.add_argument(
        "--people", type=people, default=2, help="people whose actions are named (default 2)"
    )
    what.add_argument(
        "--confidence",
        type=confidence,
        help="probability, 0 to 1, from which an action is named (default: the calibrated one)",
    )
    what.add_argument("--weights", type=Path, help="another STRL checkpoint (.safetensors)")
    what.add_argument("--list-actions", action="store_true", help="list what can be recognised")
    pose = command.add_argument_group("pose")
    pose.add_argument(
        "--quality",
        choices=("fast", "accurate"),
        default="fast",
        help="MoveNet Lightning or Thunder (default fast)",
    )
    pose.add_argument("--pose", metavar="NAME", help="another COCO-17 model of MMPose: rtmpose-s")
    pose.add_argument(
        "--pose-config",
        type=Path,
        metavar="X.py",
        help="an MMPose config of your own; it is Python, and is run: only use one you trust",
    )
    pose.add_argument("--pose-checkpoint", type=Path, metavar="Y.pth", help="its weights")
    pose.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:1, mps")
    pose.add_argument(
        "--runtime",
        choices=RUNTIMES,
        help="networks compiled by ONNX Runtime, or PyTorch (default: onnx on a CPU, else torch)",
    )
    pose.add_argument("--half", action="store_true", help="half precision, on a GPU by PyTorch")


def build_pipeline(options: argparse.Namespace):
    """The pipeline that was asked for.

    Raises:
        UserError: a model is unknown or cannot be read, or the device is not there.
    """
    # Imported here, since it takes seconds and a mistake in the arguments should not.
    from pipeline.engine import QUALITIES, WEIGHTS, Pipeline
    from pipeline.pose import PoseEstimator

    pose = PoseEstimator(
        options.pose or QUALITIES[options.quality],
        options.pose_config,
        options.pose_checkpoint,
        options.device,
        options.runtime,
    )
    pipeline = Pipeline(
        people=options.people,
        confidence=options.confidence,
        pose=pose,
        weights=options.weights or WEIGHTS,
        device=options.device,
        runtime=options.runtime,
    )
    if options.half:
        pipeline.half()
    return pipeline


def list_actions(options: argparse.Namespace) -> None:
    """Print every label of the classifier, one a line, with the number of people it takes."""
    from models.action.strl import STRL
    from pipeline.engine import WEIGHTS

    for label in STRL.load(options.weights or WEIGHTS).labels:
        print(f"{label.name} ({label.people} {'person' if label.people == 1 else 'people'})")
