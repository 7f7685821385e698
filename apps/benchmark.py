"""Measure speed, start and memory: of each stage, of the whole, and of a peer."""

from pathlib import Path

from apps.cli import Parser, few, run
from models.runtime.graphs import RUNTIMES


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="benchmark.py", description=__doc__)
    command.add_argument("--video", type=Path, help="another video (default: a bundled clip)")
    command.add_argument("--runtime", choices=RUNTIMES, help="default onnx")
    command.add_argument("--quality", choices=("fast", "accurate"), default="fast")
    command.add_argument("--people", type=few, default=2, help="whose actions are recognised")
    command.add_argument(
        "--peer",
        metavar="PYTHON",
        help="also run neura-fall-detection, by the Python of an environment that has it installed",
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    command.add_argument(
        "--plot",
        type=Path,
        metavar="FILE.png",
        help="also measure and plot the cost of people and picture size",
    )
    command.add_argument(
        "--memory",
        action="store_true",
        help="also compare peak memory on 10 seconds and 10 minutes of the video, which takes long",
    )
    return command


def main() -> None:
    """Run the program."""
    options = parser().parse_args()
    from models.files import write_json
    from pipeline.engine import QUALITIES, Pipeline
    from pipeline.pose import PoseEstimator
    from pipeline.speed.benchmark import measure, table
    from pipeline.speed.clips import CLIP, CLIP_START
    from pipeline.speed.memory import memory, program_options
    from pipeline.speed.plot import plot, sweep

    pose = PoseEstimator(QUALITIES[options.quality], runtime=options.runtime)
    pipeline = Pipeline(people=options.people, pose=pose, runtime=options.runtime)
    report = measure(
        pipeline,
        options.video or CLIP,
        0.0 if options.video else CLIP_START,
        options.quality,
        options.runtime,
        options.peer,
    )
    if options.plot:
        found = sweep(pipeline)
        plot(found, options.plot)
        report |= {f"frames/s by {name}": points for name, points in found.items()}
    if options.memory:
        names = program_options(options.quality, options.runtime)
        report["peak memory, MB"] = memory(options.video or CLIP, *names)
    print(table(report))
    if options.json:
        write_json(options.json, report)


if __name__ == "__main__":
    run(main)
