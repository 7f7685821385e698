"""Visitors of a server: the networks are loaded once, and everything else is each visitor's own."""

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
from pipeline.pose import PoseEstimator
from pipeline.sink import EventsSink, JsonLinesSink, VideoSink
from pipeline.source import Frame, open_source
from pipeline.web.limits import check, check_length

FORGOTTEN = 2.0
"""Seconds without a picture after which a live view starts afresh."""


@dataclass(frozen=True)
class Settings:
    """What a visitor may choose.

    Attributes:
        quality: one of `QUALITIES`.
        people: how many people's actions are named.
        confidence: probability from which an action is named; the calibrated one if None.
    """

    quality: str = "fast"
    people: int = 2
    confidence: float | None = None


@dataclass(frozen=True)
class Annotation:
    """The files that are made of a video.

    Attributes:
        video: MP4; lines: JSON Lines; events: CSV. They are there once all is done.
        done: seconds of the video that are done.
        total: seconds that it has, or None where it does not say.
    """

    video: Path
    lines: Path
    events: Path
    done: float
    total: float | None


class Networks:
    """What is loaded once and used by everybody.

    Args:
        device: that the networks run on.
        weights: of the action classifier.

    Attributes:
        labels: everything that can be recognised.

    Raises:
        UserError: ``weights`` cannot be read, or ``device`` is not there.
    """

    def __init__(self, device: str = "cpu", weights: Path | str = WEIGHTS):
        self._device = device
        self._weights = weights
        self._detector = Detector(device=device)
        self._poses: dict[str, PoseEstimator] = {}
        self._busy = Lock()
        self.labels: list[Label] = self.pipeline(Settings()).classifier.model.labels

    def pipeline(self, settings: Settings) -> Pipeline:
        """A pipeline with a memory of its own."""
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
        """One pass, when it is this caller's turn: live views do not slow each other down."""
        with self._busy:
            return pipeline(frame)


class Visitor:
    """One visitor.

    Args:
        networks: shared with all others.
        folder: for the results of this visitor alone; made now, deleted by `leave`.

    Attributes:
        settings: of what is seen live; after a change that begins afresh.
        uploads: the files that were sent.
        last: what was made of the last of them, once that is done.
    """

    def __init__(self, networks: Networks, folder: Path):
        self.settings = Settings()
        self.uploads: set[Path] = set()
        self.last: Annotation | None = None
        self._networks = networks
        self._folder = folder
        self._live: LiveView | None = None
        self._here = True
        folder.mkdir()

    def annotate(self, upload: Path, settings: Settings) -> Iterator[Annotation]:
        """Annotate an upload, telling after every frame how far that is, and once all is done.

        What is not carried to the end leaves nothing.

        Raises:
            UserError: it is no video that can be read, or too long, or too large.
        """
        self.uploads.add(upload)
        self.last = None
        folder = self._folder / secrets.token_hex(8)
        suffixes = (".mp4", ".jsonl", ".csv")
        mp4, jsonl, csv = (folder / f"{upload.stem}-actions{suffix}" for suffix in suffixes)
        try:
            with named(upload), ExitStack() as stack:
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
                    if not self._here:
                        return
                    yield Annotation(mp4, jsonl, csv, done, source.duration)
            self.last = Annotation(mp4, jsonl, csv, done, source.duration)
            yield self.last
        finally:
            if self.last is None:
                shutil.rmtree(folder, ignore_errors=True)

    def look(self, image: np.ndarray) -> tuple[Result, float]:
        """What is seen in the newest picture of this visitor's camera.

        Args:
            image: uint8 [H, W, 3], BGR, contiguous.

        Returns:
            The result, and the pose model's threshold.
        """
        if self._live is None or self._live.settings != self.settings:
            self._live = LiveView(self._networks, self.settings)
        return self._live.look(image)

    def leave(self) -> None:
        """End what is running, and delete everything."""
        self._here = False
        self._live = None
        shutil.rmtree(self._folder, ignore_errors=True)


class LiveView:
    """What is remembered of a visitor's camera.

    Args:
        networks: shared with all others.
        settings: chosen by the visitor.
    """

    def __init__(self, networks: Networks, settings: Settings):
        self.settings = settings
        self._networks = networks
        self._pipeline = networks.pipeline(settings)
        self._turn = Lock()
        self._index = -1
        self._began = self._last = time.monotonic()

    def look(self, image: np.ndarray) -> tuple[Result, float]:
        """See `Visitor.look`; its time is the moment at which its turn came."""
        with self._turn:
            now = time.monotonic()
            if now - self._last > FORGOTTEN:
                self._pipeline.reset()
            self._last = now
            self._index += 1
            frame = Frame(self._index, now - self._began, image)
            result = self._networks.run(self._pipeline, frame)
        return result, self._pipeline.pose.threshold


class Visitors:
    """Everybody who is here, by the name of their session.

    Args:
        networks: shared by all.
        folder: under which each has a folder.
        kept: files of ours that visitors may take for an upload of theirs.
    """

    def __init__(self, networks: Networks, folder: Path, kept: Sequence[Path] = ()):
        self._networks = networks
        self._folder = folder
        self._kept = kept
        self._here: dict[str, Visitor] = {}
        self._changing = Lock()

    def enter(self, session: str) -> Visitor:
        """Who has this session; a new visitor if nobody has."""
        with self._changing:
            if session not in self._here:
                folder = self._folder / secrets.token_hex(16)
                self._here[session] = Visitor(self._networks, folder)
            return self._here[session]

    def find(self, session: str) -> Visitor:
        """Who has this session.

        Raises:
            UserError: nobody has, or not any more.
        """
        if session not in self._here:
            raise UserError("this visit has ended: load the page again")
        return self._here[session]

    def leave(self, session: str) -> None:
        """End a session, with everything that was sent and made in it."""
        with self._changing:
            gone = self._here.pop(session, None)
            if gone is None:
                return
            gone.leave()
            for upload in gone.uploads.difference(*(v.uploads for v in self._here.values())):
                if not any(cmp(upload, file, shallow=False) for file in self._kept):
                    upload.unlink()


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let errors name a file as the visitor does, not where it is here."""
    try:
        yield
    except UserError as error:
        raise UserError(str(error).replace(str(path), path.name)) from error
