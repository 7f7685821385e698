"""What the doors share: options, building the pipeline, and reporting errors."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeVar, cast

from models.errors import UserError
from models.part import writing
from models.runtime.graphs import RUNTIMES
from models.text import printable, tell

if TYPE_CHECKING:
    from pipeline.choices import Choices
    from pipeline.engine import Pipeline
    from pipeline.pose import PoseEstimator

N = TypeVar("N", int, float)


class Parser(argparse.ArgumentParser):
    """An argument parser that reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise the error that `run` reports."""
        raise UserError(f"{message} (see --help)")


class Stopped(KeyboardInterrupt):
    """A signal asked the program to end.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int):
        super().__init__()
        self.number = number


STOPPING = [
    signal.Signals[name]
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if name in signal.Signals.__members__
]
"""Signals that end a program: Ctrl-C, `kill`, the end of its terminal; Ctrl-Break on Windows."""


def run(main: Callable[[], None]) -> None:
    """Run a program.

    A `UserError` becomes one line on standard error and exit status 2. Each signal of `STOPPING`
    ends the program as Ctrl-C does, with 128 and the signal's number as exit status, as is usual in
    shells. Notes on the exception, such as the name of a part, are added to the line.
    """
    with _usable_streams(), stopped_by(_raise_stopped), _signals_sent_again():
        try:
            try:
                main()
            finally:  # also after --help, which exits
                sys.stdout.flush()
        except UserError as error:
            _exit(f"error: {error}", error, 2)
        except KeyboardInterrupt as interrupt:
            number = getattr(interrupt, "number", signal.SIGINT)
            _exit("stopped", interrupt, 128 + number)


def stop_by(stop: Callable[[], None]) -> None:
    """Call `stop` at a signal of `STOPPING`, until `run` ends, and end nothing else."""
    _handle_signals(lambda *_: stop())


def _raise_stopped(number: int, frame: object) -> NoReturn:
    raise Stopped(number)


@contextmanager
def stopped_by(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Call `handler` at a signal of `STOPPING`, within the context, and end nothing else."""
    before = _handle_signals(handler)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


@contextmanager
def _signals_sent_again() -> Iterator[None]:
    """Send a signal again that arrives in a destructor, out of which no exception gets."""
    usual, timers = sys.unraisablehook, []

    def again(lost: Any) -> None:
        if not isinstance(lost.exc_value, Stopped):
            return usual(lost)
        timer = threading.Timer(0.05, os.kill, (os.getpid(), lost.exc_value.number))
        timers.append(timer)
        timer.start()

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = usual
        for timer in timers:
            timer.cancel()


def _handle_signals(handler: Callable[[int, Any], None]) -> dict[signal.Signals, Any]:
    """Set the handler of all signals of `STOPPING`, except those that our caller has us ignore.

    Returns:
        The former handlers; none outside the main thread, which has all signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    wanted = [number for number in STOPPING if signal.getsignal(number) != signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in wanted}


@contextmanager
def _usable_streams() -> Iterator[None]:
    """Let the program print, whether or not anybody reads it.

    A closed standard stream is opened to nowhere: the next file that is opened would take its
    number, and messages would go into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    output, errors = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = cast(TextIO, _Output(output)), cast(TextIO, _Messages(errors))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = output, errors
        try:
            if output is not None:
                output.flush()
        except OSError:  # Python would flush it again when it exits, and report the error again
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())


class _Output:
    """Standard output. That it cannot be written is the user's to mend.

    Args:
        stream: Python's; None if it was closed.
    """

    def __init__(self, stream: TextIO | None):
        self._stream = stream

    def write(self, text: str) -> int:
        with writing("standard output"):
            if self._stream is not None:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with writing("standard output"):
            if self._stream is not None:
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Messages(_Output):
    """Standard error, as far as somebody reads it: messages must not end the work."""

    def write(self, text: str) -> int:
        with suppress(UserError, ValueError):  # the reader is gone, or the stream closed
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(UserError, ValueError):
            super().flush()


def _exit(line: str, cause: BaseException, status: int) -> NoReturn:
    tell("; ".join([line, *getattr(cause, "__notes__", [])]))
    sys.exit(status)


def number(least: float, most: float) -> Callable[[str], float]:
    """Return a parser of numbers within bounds, for argparse."""
    return _bounded(float, "a number", least, most)


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of whole numbers within bounds, for argparse."""
    return _bounded(int, "a whole number", least, most)


def _bounded(kind: Callable[[str], N], name: str, least: N, most: N) -> Callable[[str], N]:
    def parse(text: str) -> N:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is not {name}") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least} and {most}")
        return value

    return parse


seed = whole(0, 2**32 - 1)
"""Parser of a seed, as NumPy takes it."""
threads = whole(1, 1024)
"""Parser of a number of threads."""
few = whole(1, 100)
"""Parser of a number of people, cameras or processes."""


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


def add_live_options(command: Parser) -> argparse._ArgumentGroup:
    """Add the options of a live source and its window, and return their group."""
    live = command.add_argument_group("camera")
    live.add_argument(
        "--source",
        default="0",
        help="a camera's number (default 0), rtsp:// or http://, a video, or a folder of pictures",
    )
    live.add_argument("--headless", action="store_true", help="open no window")
    live.add_argument(
        "--mirror",
        action=argparse.BooleanOptionalAction,
        help="show the picture as a mirror does (default: for cameras); outputs are never mirrored",
    )
    return live


def add_reading_options(command: Parser) -> None:
    """Add what is read of a video."""
    reading = command.add_argument_group("reading")
    reading.add_argument(
        "--stride", type=whole(1, 1_000_000), default=1, help="use every n-th frame only"
    )
    reading.add_argument(
        "--max-seconds", type=number(0, 1_000_000_000), help="stop at this time of a video"
    )


def is_mirrored(options: argparse.Namespace) -> bool:
    """Whether the window is a mirror, for the options of `add_live_options`."""
    return bool(options.source.isdecimal() if options.mirror is None else options.mirror)


def add_pipeline_options(command: Parser) -> None:
    """Add the options that `build_pipeline` reads."""
    what = command.add_argument_group("what is recognised")
    what.add_argument(
        "--people", type=few, default=2, help="people whose actions are recognised (default 2)"
    )
    what.add_argument(
        "--confidence",
        type=number(0, 1),
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
    return read_choices(options).pipeline()


def read_choices(options: argparse.Namespace, threads: int | None = None) -> Choices:
    """What the options of `add_pipeline_options` say, with `threads` for each network."""
    # Imported here: it takes seconds, which reporting a mistake in the arguments should not.
    from pipeline.choices import Choices
    from pipeline.engine import QUALITIES, WEIGHTS

    return Choices(
        people=options.people,
        confidence=options.confidence,
        weights=options.weights or WEIGHTS,
        pose=options.pose or QUALITIES[options.quality],
        pose_config=options.pose_config,
        pose_checkpoint=options.pose_checkpoint,
        device=options.device,
        runtime=options.runtime,
        half=options.half,
        threads=threads,
    )


def build_pose(options: argparse.Namespace) -> PoseEstimator:
    """Build the pose model for the options of `add_pose_options`.

    Raises:
        UserError: it is unknown or cannot be read, or the device is not available.
    """
    from pipeline.engine import QUALITIES
    from pipeline.pose import PoseEstimator

    return PoseEstimator(
        options.pose or QUALITIES[options.quality],
        options.pose_config,
        options.pose_checkpoint,
        options.device,
        options.runtime,
    )


def list_actions(options: argparse.Namespace) -> None:
    """Print the classifier's labels, each on a line with the number of people it takes."""
    from pipeline.engine import WEIGHTS, load_strl

    for label in load_strl(options.weights or WEIGHTS, "cpu", None).labels:
        who = "1 person" if label.people == 1 else f"{label.people} people"
        print(f"{printable(label.name)} ({who})")
