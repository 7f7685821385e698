"""What the doors share: options, building the pipeline, and reporting errors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from models.errors import UserError
from models.runtime.graphs import RUNTIMES

if TYPE_CHECKING:
    from pipeline.engine import Pipeline


class Parser(argparse.ArgumentParser):
    """An argument parser that reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise the error that `run` reports."""
        raise UserError(f"{message} (see --help)")


def run(main: Callable[[], None]) -> None:
    """Run a program.

    A `UserError` becomes one line on standard error and exit status 2. Ctrl-C exits with 130, as is
    usual in shells. Notes on the exception, such as the name of a partial output, are added to the
    line.
    """
    try:
        main()
    except UserError as error:
        _exit(f"error: {error}", error, 2)
    except KeyboardInterrupt as interrupt:
        _exit("stopped", interrupt, 130)


def _exit(line: str, reason: BaseException, status: int) -> NoReturn:
    print("; ".join([line, *getattr(reason, "__notes__", [])]), file=sys.stderr)
    sys.exit(status)


def confidence(text: str) -> float:
    """Parse a probability, for argparse."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def people(text: str) -> int:
    """Parse a positive number, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def add_output_options(command: Parser, video: str, **settings: Any) -> argparse._ArgumentGroup:
    """Add the options for outputs: an annotated video, and JSON Lines.

    Args:
        command: the program's parser.
        video: name of the option for the video's path.
        settings: of this option, as for `add_argument`.

    Returns:
        The group of these options, for further outputs.
    """
    output = command.add_argument_group("output")
    output.add_argument(video, type=Path, **settings)
    output.add_argument("--json", metavar="FILE", help="one JSON object a frame; - for stdout")
    return output


def add_pipeline_options(command: Parser) -> None:
    """Add the options that `build_pipeline` reads."""
    what = command.add_argument_group("what is recognised")
    what.add_argument(
        "--people", type=people, default=2, help="people whose actions are recognised (default 2)"
    )
    what.add_argument(
        "--confidence",
        type=confidence,
        help="probability, 0 to 1, from which an action is shown (default: calibrated)",
    )
    what.add_argument("--weights", type=Path, help="another STRL checkpoint (.safetensors)")
    what.add_argument("--list-actions", action="store_true", help="list what can be recognised")
    pose = add_pose_options(command)
    pose.add_argument("--half", action="store_true", help="half precision, on a GPU by PyTorch")


def add_pose_options(command: Parser) -> argparse._ArgumentGroup:
    """Add the options that choose the pose networks, and return their group."""
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
        help="an MMPose config of your own; it is Python code and is run: only use one you trust",
    )
    pose.add_argument("--pose-checkpoint", type=Path, metavar="Y.pth", help="its weights")
    pose.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:1, mps")
    pose.add_argument(
        "--runtime",
        choices=RUNTIMES,
        help="networks compiled by ONNX Runtime, or PyTorch (default: onnx on a CPU, else torch)",
    )
    return pose


def build_pipeline(options: argparse.Namespace) -> Pipeline:
    """Build the pipeline for the options of `add_pipeline_options`.

    Raises:
        UserError: a model is unknown or cannot be read, or the device is not available.
    """
    # Imported here: it takes seconds, which reporting a mistake in the arguments should not.
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
    """Print the classifier's labels, each on a line with the number of people it takes."""
    from models.action.strl import STRL
    from pipeline.engine import WEIGHTS

    for label in STRL.load(options.weights or WEIGHTS).labels:
        print(f"{label.name} ({label.people} {'person' if label.people == 1 else 'people'})")
