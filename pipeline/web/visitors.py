"""Visitors of the web page: they share the networks, and nothing else."""

import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path
from threading import Lock

import numpy as np

from models.action.label import Label
from models.errors import UserError
from pipeline.annotate import annotate
from pipeline.detect import Detector
from pipeline.engine import QUALITIES, WEIGHTS, Pipeline, Result
from pipeline.panel import Observer, Panel
from pipeline.pose import PoseEstimator
from pipeline.sink import EventsSink, JsonLinesSink, VideoSink
from pipeline.source import Frame, open_source
from pipeline.web.limits import check, check_length

MAX_SILENCE = 2.0
"""Seconds without a picture after which a live view is reset."""


@dataclass(frozen=True)
class Settings:
    """A visitor's settings.

    Attributes:
        quality: one of `QUALITIES`.
        people: number of people whose actions are recognised.
        confidence: probability from which a label is shown; the calibrated one if None.
    """

    quality: str = "fast"
    people: int = 2
    confidence: float | None = None


@dataclass(frozen=True)
class Annotation:
    """The results for a video, and how far they are.

    Attributes:
        video, lines, events: MP4, JSON Lines and CSV files. They exist once everything is done.
        done: processed seconds of the video.
        total: its duration in seconds, or None where the file does not say.
        problem: in the end, what was lost of a damaged file, or None.
    """

    video: Path
    lines: Path
    events: Path
    done: float
    total: float | None
    problem: str | None = None


class Networks:
    """The networks, loaded once and shared by all visitors.

    Args:
        device: that the networks run on.
        weights: of the action classifier.

    Attributes:
        labels: the actions that can be recognised.

    Raises:
        UserError: `weights` cannot be read, or `device` is not available.
    """

    def __init__(self, device: str = "cpu", weights: Path | str = WEIGHTS):
        self._device = device
        self._weights = weights
        self._detector = Detector(device=device)
        self._poses: dict[str, PoseEstimator] = {}
        self._busy = Lock()
        self.labels: list[Label] = self.pipeline(Settings()).classifier.model.labels

    def pipeline(self, settings: Settings) -> Pipeline:
        """Create a pipeline on the shared networks, with tracks and windows of its own."""
        quality = settings.quality
        with self._busy:
            if quality not in self._poses:
                self._poses[quality] = PoseEstimator(QUALITIES[quality], device=self._device)
            return Pipeline(
                people=settings.people,
                confidence=settings.confidence,
                pose=self._poses[quality],
                detector=self._detector,
                weights=self._weights,
                device=self._device,
            )

    def run(self, pipeline: Pipeline, frame: Frame) -> Result:
        """Process one frame, one caller after the other, so that live views share the machine."""
        with self._busy:
            return pipeline(frame)


class Visitor:
    """One visitor.

    Args:
        networks: shared with other visitors.
        folder: for this visitor's results; created now, deleted by `leave`.

    Attributes:
        settings: of the live view, which is reset when they change.
        uploads: the visitor's uploaded files.
        last: the complete results of the last upload, or None.
    """

    def __init__(self, networks: Networks, folder: Path):
        self.settings = Settings()
        self.uploads: set[Path] = set()
        self.last: Annotation | None = None
        self._networks = networks
        self._folder = folder
        self._live: LiveView | None = None
        self._present = True
        folder.mkdir()

    def annotate(self, upload: Path, settings: Settings) -> Iterator[Annotation]:
        """Annotate an upload.

        If it is not annotated to the end, all results are deleted.

        Yields:
            The progress after each frame, and the results at the end.

        Raises:
            UserError: the file is not a readable video, or too long, or too large.
        """
        self.uploads.add(upload)
        self.last = None
        folder = self._folder / secrets.token_hex(8)
        suffixes = (".mp4", ".jsonl", ".csv")
        mp4, jsonl, csv = (folder / f"{upload.stem}-actions{suffix}" for suffix in suffixes)
        try:
            with short_name(upload), ExitStack() as stack:
                source = stack.enter_context(open_source(upload))
                check(source)
                pipeline = self._networks.pipeline(settings)
                folder.mkdir()
                video = stack.enter_context(VideoSink(mp4, source))
                lines = stack.enter_context(JsonLinesSink(jsonl, pipeline.labels, source))
                events = stack.enter_context(EventsSink(csv, source))
                results = annotate(pipeline, source, video, lines, events)
                for result in stack.enter_context(closing(results)):
                    done = result.frame.time
                    check_length(done)
                    if not self._present:
                        return
                    yield Annotation(mp4, jsonl, csv, done, source.duration)
            problems = [
                text.replace(str(upload), upload.name)
                for text in (source.problem, video.problem)
                if text
            ]
            problem = "; ".join(problems) or None
            self.last = Annotation(mp4, jsonl, csv, done, source.duration, problem)
            yield self.last
        finally:
            if self.last is None:
                shutil.rmtree(folder, ignore_errors=True)

    def process(self, image: np.ndarray) -> tuple[Result, Panel, float]:
        """Process the newest picture of this visitor's camera.

        Args:
            image: uint8 [H, W, 3], BGR, contiguous.

        Returns:
            The result, what is known at this moment, and the pose model's threshold. Rate and age
            of pictures are measured where they are shown, in the browser.
        """
        if self._live is None or self._live.settings != self.settings:
            self._live = LiveView(self._networks, self.settings)
        return self._live.process(image)

    def leave(self) -> None:
        """Stop what is running, and delete all results."""
        self._present = False
        self._live = None
        shutil.rmtree(self._folder, ignore_errors=True)


class LiveView:
    """The state of a visitor's camera.

    Args:
        networks: shared with other visitors.
        settings: chosen by the visitor.
    """

    def __init__(self, networks: Networks, settings: Settings):
        self.settings = settings
        self._networks = networks
        self._pipeline = networks.pipeline(settings)
        self._observer = Observer(self._pipeline.labels, self._pipeline.pose.threshold)
        self._turn = Lock()
        self._index = -1
        self._began = self._last = time.monotonic()

    def process(self, image: np.ndarray) -> tuple[Result, Panel, float]:
        """Process a picture, as `Visitor.process`. Its time is when its turn comes."""
        with self._turn:
            now = time.monotonic()
            if now - self._last > MAX_SILENCE:
                self._pipeline.reset()
                self._observer.reset()
            self._last = now
            self._index += 1
            frame = Frame(self._index, now - self._began, image)
            result = self._networks.run(self._pipeline, frame)
            panel = self._observer.update(result)
        return result, panel, self._pipeline.pose.threshold


class Visitors:
    """The present visitors, by session.

    Args:
        networks: shared by all visitors.
        folder: parent of the visitors' folders.
        kept: files that are not deleted when a visitor leaves, such as examples.
    """

    def __init__(self, networks: Networks, folder: Path, kept: Sequence[Path] = ()):
        self._networks = networks
        self._folder = folder
        self._kept = kept
        self._visitors: dict[str, Visitor] = {}
        self._changing = Lock()

    def enter(self, session: str) -> Visitor:
        """The visitor of a session; a new one if the session is new."""
        with self._changing:
            if session not in self._visitors:
                folder = self._folder / secrets.token_hex(16)
                self._visitors[session] = Visitor(self._networks, folder)
            return self._visitors[session]

    def find(self, session: str) -> Visitor:
        """The visitor of a session.

        Raises:
            UserError: the session is unknown, or has ended.
        """
        if session not in self._visitors:
            raise UserError("this visit has ended: load the page again")
        return self._visitors[session]

    def leave(self, session: str) -> None:
        """End a session, and delete its uploads and results."""
        with self._changing:
            visitor = self._visitors.pop(session, None)
            if visitor is None:
                return
            visitor.leave()
            for upload in visitor.uploads.difference(*(v.uploads for v in self._visitors.values())):
                if not any(cmp(upload, file, shallow=False) for file in self._kept):
                    upload.unlink()


@contextmanager
def short_name(path: Path) -> Iterator[None]:
    """Let errors name a file as the visitor does, without its folder on the server."""
    try:
        yield
    except UserError as error:
        raise UserError(str(error).replace(str(path), path.name)) from error
