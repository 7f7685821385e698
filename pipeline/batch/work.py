"""One video, from its place to its results: the work of a process that keeps its networks."""

from __future__ import annotations

import hashlib
import platform
import tempfile
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from time import perf_counter

from models.errors import UserError
from models.files import ROOT
from models.runtime.graphs import fingerprint
from pipeline.annotate import annotate
from pipeline.batch.places import Unreachable, digest, fetched, publish, remove, version, write
from pipeline.batch.record import DONE, EVENTS, LINES, Record, outputs
from pipeline.batch.videos import ANNOTATED, Video
from pipeline.choices import Choices, Networks, compiling, live_code, pose_files, use_one_thread
from pipeline.events_file import read_events
from pipeline.extract.clips import clause
from pipeline.sink import EventsSink, JsonLinesSink, VideoSink
from pipeline.source import open_source


@dataclass(frozen=True)
class Settings:
    """How every video is processed.

    Attributes:
        choices: about the pipeline.
        stride: every n-th frame is used.
        max_seconds: time at which reading ends; None for no limit.
        video: whether the annotated video is wanted.
    """

    choices: Choices
    stride: int = 1
    max_seconds: float | None = None
    video: bool = False

    def fingerprint(self) -> str:
        """Return a hash of the settings, the weights and the code, which results depend on.

        Raises:
            UserError: a file cannot be read, or a model is unknown.
        """
        about = asdict(self)
        files = {n: about["choices"].pop(n) for n in ("weights", "pose_config", "pose_checkpoint")}
        pose = pose_files(self.choices.pose, files["pose_config"], files["pose_checkpoint"])
        code = [*live_code([ROOT / "models" / "action"]), Path(__file__)]
        text = f"{fingerprint([files['weights'], *pose, *code])} {about}"
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Job:
    """A video to process.

    Attributes:
        video: the input.
        target: place of its results, without the ends of their names.
        settings: how it is processed.
        fingerprint: of these where the run began.
    """

    video: Video
    target: str
    settings: Settings
    fingerprint: str


def process(job: Job) -> Record | str:
    """Process a video into its results, which appear when all of it is done, the record last.

    Networks stay in memory for the next video of this process.

    Returns:
        What is known of the video then, or the reason in a clause why it cannot be processed.

    Raises:
        Exception: something that may not happen again, such as an address that does not answer.
    """
    began = perf_counter()
    try:
        _check_same(job)
        networks = load(job.settings.choices)
        with (
            tempfile.TemporaryDirectory(prefix="batch-") as folder,
            fetched(job.video.place) as path,
        ):
            try:
                record = _annotate(job, path, Path(folder), networks, began)
            except UserError as error:
                return clause(error, path)
            remove(job.target + DONE)  # of an older run: it would vouch for a mixture of results
            for end in record.outputs:
                publish(Path(folder, f"result{end}"), job.target + end)
            write(job.target + DONE, record.dump())
    except Unreachable:
        raise
    except UserError as error:
        return str(error)
    return record


@lru_cache(maxsize=1)
def load(choices: Choices) -> Networks:
    """Load the networks, once a process; compile them once a machine.

    Raises:
        UserError: as `Choices.load`.
    """
    use_one_thread(choices.runtime)
    with compiling():
        return choices.load()


@cache
def _fingerprint(settings: Settings) -> str:
    return settings.fingerprint()


def _check_same(job: Job) -> None:
    """Refuse to mix results of different weights or code, as a machine may have others."""
    if _fingerprint(job.settings) != job.fingerprint:
        raise UserError(f"{platform.node()} has other weights or code: install the same there")


def _annotate(job: Job, path: Path, folder: Path, networks: Networks, began: float) -> Record:
    """Write the results into a folder."""
    settings = job.settings
    threads = settings.choices.threads
    pipeline = settings.choices.pipeline(networks)
    result = {end: folder / f"result{end}" for end in outputs(settings.video)}
    before = version(job.video.place)
    people: set[int] = set()
    end = 0.0
    with ExitStack() as stack:
        source = stack.enter_context(
            open_source(path, settings.stride, settings.max_seconds, threads)
        )
        video = None
        if settings.video:
            video = stack.enter_context(VideoSink(result[ANNOTATED], source, threads))
        events = stack.enter_context(EventsSink(result[EVENTS], source))
        lines = stack.enter_context(JsonLinesSink(result[LINES], pipeline.labels, source))
        frames = annotate(pipeline, source, video, lines, events, threads=threads != 1)
        for frame in stack.enter_context(closing(frames)):
            people.update(person.id for person in frame.people)
            end = frame.frame.time + float(1 / source.rate)
    return Record(
        job.fingerprint,
        before,
        digest(path),
        seconds=round(end, 3),
        work=round(perf_counter() - began, 3),
        people=len(people),
        outputs=tuple(result),
        events=tuple(read_events(result[EVENTS])),
        problem=source.problem and source.problem.removeprefix(f"{path} "),
        note=video.problem if video else None,
    )
