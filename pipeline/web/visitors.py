"""Visitors of the web page: they share the networks, and nothing else."""

import secrets
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from filecmp import cmp
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType

from typing_extensions import Self

from models.errors import UserError
from pipeline.annotate import annotate
from pipeline.engine import Result
from pipeline.panel import Panel
from pipeline.sink import EventsSink, JsonLinesSink, VideoSink
from pipeline.source import open_source
from pipeline.web.annotation import Annotation
from pipeline.web.jobs import Jobs
from pipeline.web.lesson import Lesson, Look
from pipeline.web.limits import check, check_length
from pipeline.web.live import LiveView
from pipeline.web.networks import Networks, Settings
from pipeline.web.page import read_call
from pipeline.web.quotas import Quotas
from pipeline.web.uploads import Uploads, stored

STORED_PERIOD = 30
"""Frames between two measurements of what is stored."""
ENDED = "this visit has ended: load the page again"
MAX_NAME = 64
"""Characters of a session's name, at most."""
WAIT_PERIOD = 0.5
"""Seconds between reports to somebody whose video waits."""


class Visitor:
    """One visitor.

    Args:
        session: name of the visitor's session.
        networks: shared with other visitors.
        uploads: of all visitors.
        jobs: videos of all visitors.
        lessons: of all visitors.
        quotas: how much this visitor may store.
        folder: for this visitor's results; created now, deleted by `leave`.

    Attributes:
        settings: of the live view.
        last: the last annotated video.
        lesson: what the visitor teaches.
        seen: when there last was a sign of the visitor, in seconds as `time.monotonic`.
    """

    def __init__(
        self,
        session: str,
        networks: Networks,
        uploads: Uploads,
        jobs: Jobs,
        lessons: Jobs,
        quotas: Quotas,
        folder: Path,
    ):
        self.settings = Settings()
        self.last: Annotation | None = None
        self.seen = time.monotonic()
        self._session = session
        self._networks = networks
        self._uploads = uploads
        self._jobs = jobs
        self._quotas = quotas
        self._folder = folder
        self._claimed: dict[Path, Path] = {}
        self._live: LiveView | None = None
        self._changing = Lock()
        self._present = True
        self.lesson = Lesson(session, networks, jobs, lessons, folder / "lesson")
        folder.mkdir()

    def claim(self, upload: Path) -> None:
        """Make an upload this visitor's own: it ends with them, and no other can have it.

        Raises:
            UserError: it is not there, or another visitor's, or this one stores too much.
        """
        with self._changing:
            if upload in self._claimed and upload.exists():
                return
            self._claimed[upload] = self._uploads.claim(upload)
        try:
            self.check_stored()
        except UserError:
            self.drop(upload)
            raise
        if not self._present:  # they left meanwhile
            self.drop(upload)

    def drop(self, upload: Path) -> None:
        """Delete a claimed upload that is not needed any more."""
        with self._changing:
            folder = self._claimed.pop(upload, None)
        if folder is not None:
            self._uploads.release(folder)

    def check_stored(self) -> None:
        """Check that this visitor does not store too much.

        Raises:
            UserError: they do.
        """
        with self._changing:
            folders = [self._folder, *self._claimed.values()]
        if sum(map(stored, folders)) > self._quotas.stored:
            raise UserError(
                f"your videos and results take more than {self._quotas.stored / 1e6:.0f} MB: "
                "download what you need, and load the page again"
            )

    def annotate(self, video: Path, settings: Settings) -> Iterator[Annotation | int]:
        """Annotate a video, when its turn comes.

        If it is not annotated to the end, all results are deleted.

        Yields:
            The number of videos that come first, while there are any; the progress after each
            frame; and the results at the end.

        Raises:
            UserError: the file is not a readable video, or too long, or too large, or too much is
                stored or waits.
        """
        with self._jobs.join(self._session) as job:
            while before := job.wait(WAIT_PERIOD):
                self._check_present()
                with job.offer():
                    yield before
                self.seen = time.monotonic()
            self._check_present()
            for annotation in self._annotate(video, settings):
                with job.offer():
                    yield annotation
                self.seen = time.monotonic()

    def _annotate(self, video: Path, settings: Settings) -> Iterator[Annotation]:
        self.last = None
        folder = self._folder / secrets.token_hex(8)
        suffixes = (".mp4", ".jsonl", ".csv")
        mp4, jsonl, csv = (folder / f"{video.stem}-actions{suffix}" for suffix in suffixes)
        try:
            with short_name(video), ExitStack() as stack:
                source = stack.enter_context(open_source(video))
                check(source)
                pipeline = self._networks.pipeline(settings)
                folder.mkdir()
                annotated = stack.enter_context(VideoSink(mp4, source))
                lines = stack.enter_context(JsonLinesSink(jsonl, pipeline.labels, source))
                events = stack.enter_context(EventsSink(csv, source))
                results = annotate(pipeline, source, annotated, lines, events)
                for result in stack.enter_context(closing(results)):
                    done = result.frame.time
                    check_length(done)
                    if result.frame.index % STORED_PERIOD == 0:
                        self.check_stored()
                        self._uploads.check_room()
                    self._check_present()
                    yield Annotation(mp4, jsonl, csv, done, source.duration)
            problems = [
                text.replace(str(video), video.name)
                for text in (source.problem, annotated.problem)
                if text
            ]
            problem = "; ".join(problems) or None
            self.last = Annotation(mp4, jsonl, csv, done, source.duration, problem)
            yield self.last
        finally:
            if self.last is None:
                shutil.rmtree(folder, ignore_errors=True)
            if not self._present:
                shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def is_live(self) -> bool:
        """Whether this visitor's camera is watched."""
        return self._live is not None or self.lesson.is_live

    def start_live(self) -> None:
        """Watch this visitor's camera, with their settings."""
        if self._live is None or self._live.settings != self.settings:
            self._live = LiveView(self._networks, self.settings)

    def process(self, url: str) -> tuple[Result, Panel, float]:
        """Process the newest picture of this visitor's camera, as `LiveView.process`."""
        live = self._live
        if live is None:
            raise UserError(ENDED)
        return live.process(url)

    def _check_present(self) -> None:
        if not self._present:
            raise UserError(ENDED)

    def stop_live(self, silence: float) -> None:
        """Watch the camera no longer, if there was no picture for so many seconds."""
        self.lesson.stop_live(silence)
        if self._live is not None and time.monotonic() - self._live.last > silence:
            self._live = None

    def leave(self) -> None:
        """Stop what is running, and delete all uploads and results."""
        with self._changing:
            self._present = False
            self._live = None
            claimed = list(self._claimed)
        for upload in claimed:
            self.drop(upload)
        self.lesson.leave()
        shutil.rmtree(self._folder, ignore_errors=True)


class Visitors:
    """The present visitors, by session. As a context, it sees to it that silent ones leave.

    Args:
        networks: shared by all visitors.
        folder: parent of the visitors' folders, and of uploads.
        kept: videos that need not be uploaded, such as examples.
        quotas: how much they may take of the machine.

    Attributes:
        uploads: of all visitors.
    """

    def __init__(
        self,
        networks: Networks,
        folder: Path,
        kept: Sequence[Path] = (),
        quotas: Quotas | None = None,
    ):
        self._networks = networks
        self._folder = folder
        self._kept = kept
        self._quotas = quotas or Quotas()
        self.uploads = Uploads(folder / "uploads", folder, self._quotas)
        self._jobs = Jobs(self._quotas)
        self._lessons = Jobs(self._quotas, "lesson")
        self._visitors: dict[str, Visitor] = {}
        self._connected: Counter[str] = Counter()
        self._changing = Lock()
        self._ended = Event()
        self._watch = Thread(target=self._watch_silence, name="visitors", daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._watch.join()
        for session in list(self._visitors):
            self.leave(session)

    def enter(self, session: str) -> Visitor:
        """The visitor of a session; a new one if the session is new.

        Raises:
            UserError: there are too many visitors, or the session's name is none.
        """
        if not 0 < len(session) <= MAX_NAME:
            raise UserError("that is no session's name")
        with self._changing:
            visitor = self._visitors.get(session)
            if visitor is None:
                if len(self._visitors) >= self._quotas.visitors:
                    raise UserError("too many people are here at the moment: come back later")
                folder = self._folder / secrets.token_hex(16)
                visitor = self._visitors[session] = Visitor(
                    session,
                    self._networks,
                    self.uploads,
                    self._jobs,
                    self._lessons,
                    self._quotas,
                    folder,
                )
            visitor.seen = time.monotonic()
            return visitor

    def find(self, session: str) -> Visitor:
        """The visitor of a session.

        Raises:
            UserError: the session is unknown, or has ended.
        """
        visitor = self._visitors.get(session)
        if visitor is None:
            raise UserError(ENDED)
        visitor.seen = time.monotonic()
        return visitor

    def annotate(self, session: str, video: Path, settings: Settings) -> Iterator[Annotation | int]:
        """Annotate a video for a visitor, who may be new, as `Visitor.annotate`.

        Raises:
            UserError: as `enter`, `Visitor.claim` and `Visitor.annotate`.
        """
        visitor = self.enter(session)
        if not any(_same(video, file) for file in self._kept):
            visitor.claim(video)
        yield from visitor.annotate(video, settings)

    def process(self, sent: object) -> tuple[Result, Panel, float]:
        """Process what the live tab has sent, as `Visitor.process`.

        Raises:
            UserError: it is something else, or nobody of that name is here, or too many cameras
                are watched.
        """
        session, url = read_call(sent)
        visitor = self.find(session)
        with self._camera_of(visitor):
            visitor.start_live()
        return visitor.process(url)

    def look(self, session: str, url: str, label: str | None) -> Look:
        """Process what the camera of the lesson has sent, as `Lesson.look`.

        Raises:
            UserError: as `Lesson.look`, or as `process`.
        """
        visitor = self.find(session)
        with self._camera_of(visitor):
            visitor.lesson.start_live()
        return visitor.lesson.look(url, label)

    @contextmanager
    def _camera_of(self, visitor: Visitor) -> Iterator[None]:
        """Start to watch a visitor's camera, unless too many are watched already."""
        with self._changing:
            live = sum(other.is_live for other in self._visitors.values() if other is not visitor)
            if live >= self._quotas.live:
                raise UserError(f"{live} cameras are watched already: try again in a minute")
            yield

    @contextmanager
    def connected(self, session: str) -> Iterator[None]:
        """Take a session's visitor for present, silent or not, until the context ends."""
        with self._changing:
            self._connected[session] += 1
        try:
            yield
        finally:
            with self._changing:
                self._connected[session] -= 1
                if not self._connected[session]:
                    del self._connected[session]
                if session in self._visitors:
                    self._visitors[session].seen = time.monotonic()

    def leave(self, session: str) -> None:
        """End a session, and delete its uploads and results."""
        with self._changing:
            visitor = self._visitors.pop(session, None)
        if visitor is not None:
            visitor.leave()

    def drop_silent(self) -> None:
        """Let visitors leave of whom there was no sign for long, and delete what nobody claims."""
        quotas = self._quotas
        self._jobs.drop(quotas.silence)
        oldest = time.monotonic() - quotas.silence
        for session, visitor in list(self._visitors.items()):
            visitor.stop_live(quotas.live_silence)
            awaited = self._connected[session] or self._jobs.count(session)
            if visitor.seen < oldest and not awaited:
                self.leave(session)
        self.uploads.drop(quotas.silence)

    def _watch_silence(self) -> None:
        while not self._ended.wait(min(self._quotas.silence, self._quotas.live_silence) / 4):
            self.drop_silent()


def _same(video: Path, file: Path) -> bool:
    """Whether two files are the same in content."""
    return video.is_file() and cmp(video, file, shallow=False)


@contextmanager
def short_name(path: Path) -> Iterator[None]:
    """Let errors name a file as the visitor does, without its folder on the server."""
    try:
        yield
    except UserError as error:
        raise UserError(str(error).replace(str(path), path.name)) from error
