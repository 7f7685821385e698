"""What one visitor teaches: takes before the camera or of clips, and what is learnt from them."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Thread

from models.action.label import NOTHING
from models.data.recording import Skeletons
from models.errors import UserError
from models.runtime.compiled import CompiledSTRL
from models.runtime.exporter import export_apart
from pipeline.engine import Result
from pipeline.extract.people import choose
from pipeline.extract.video import Sightings, record
from pipeline.panel import Panel
from pipeline.source import open_source
from pipeline.teaching.apart import Learnt, Teacher
from pipeline.web.intake import read_takes, write_takes
from pipeline.web.jobs import Job, Jobs
from pipeline.web.limits import check_size
from pipeline.web.live import MAX_SILENCE, LiveView
from pipeline.web.networks import Networks, Settings
from pipeline.web.takes import MAX_SECONDS, Takes, read_label

MINUTES = (0, 2, 5)
"""Minutes of training that may be chosen; with 0, a new head alone."""
MAX_WEIGHTS = 50_000_000
"""Bytes of weights that may be loaded."""
MAX_FRAMES = 1200
"""Pictures of a clip at most, however short it says that it is."""
MAX_SAID = 8
"""Lines that are shown at most."""
WAIT_PERIOD = 0.5
"""Seconds between looks at the queue."""
NAME = "my_actions"
"""Of the files that can be downloaded."""


class Left(Exception):
    """The visitor has left meanwhile."""


@dataclass
class Work:
    """What is done while the visitor waits.

    Attributes:
        words: what it is.
        seconds: how long it takes; None if that is not known.
    """

    words: str
    seconds: float | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def share(self) -> float | None:
        """How much of it is done, as far as that is known."""
        if self.seconds is None:
            return None
        return min((time.monotonic() - self.began) / self.seconds, 0.99)


@dataclass(frozen=True)
class Look:
    """What came of a picture.

    Attributes:
        result, panel, threshold: as of `LiveView.process`.
        seconds: length of the take that is being recorded; None if there is none.
        note: what became of the take that ended with this picture, or why there is none; or None.
        kept: whether it was kept.
    """

    result: Result
    panel: Panel
    threshold: float
    seconds: float | None
    note: str | None
    kept: bool


class OpenTake:
    """A take that is being recorded.

    Args:
        label: of the action.
        threshold: the pose model's.
    """

    def __init__(self, label: str, threshold: float):
        self.label = label
        self.ended = False
        self._size = (1, 1)
        self._sightings = Sightings(threshold)

    @property
    def seconds(self) -> float:
        """How long it is."""
        times = self._sightings.times
        return times[-1] - times[0] if times else 0.0

    def is_spoilt(self, now: float) -> bool:
        """Whether there was no picture for so long, at a time of the camera in seconds."""
        times = self._sightings.times
        return bool(times) and now - times[-1] > MAX_SILENCE

    def add(self, result: Result) -> None:
        """Add a picture's people."""
        frame = result.frame
        self._size = (frame.image.shape[1], frame.image.shape[0])
        self._sightings.add(frame.time, result.people)

    def skeletons(self) -> Skeletons:
        """The people whom it shows."""
        return choose(self._sightings.recording(self._size))


class Lesson:
    """One visitor's labels, their takes, and the classifier that knows them.

    Args:
        session: name of the visitor's session.
        networks: shared with other visitors.
        videos: the queue of videos.
        lessons: the queue of whatever needs PyTorch.
        folder: for files; it need not exist.

    Attributes:
        takes: of all labels.
        labels: that the visitor's own classifier knows, if there is one.
        learnt: how good it is, if it was taught here.
        weights: its file, if there is one.
        work: what is being done, or None.
        said: what is to be known of what was done last.
        news: how often something was said.
    """

    def __init__(self, session: str, networks: Networks, videos: Jobs, lessons: Jobs, folder: Path):
        self.takes = Takes()
        self.labels: list[str] = []
        self.learnt: Learnt | None = None
        self.weights: Path | None = None
        self.work: Work | None = None
        self.said: list[str] = []
        self.news = 0
        self._session = session
        self._networks = networks
        self._videos = videos
        self._lessons = lessons
        self._folder = folder
        self._actions: CompiledSTRL | None = None
        self._teacher: Teacher | None = None
        self._view: LiveView | None = None
        self._open: OpenTake | None = None
        self._changing = Lock()
        self._stopped = False
        self._present = True

    # Before the camera

    @property
    def is_live(self) -> bool:
        """Whether the camera is watched."""
        return self._view is not None

    def start_live(self) -> None:
        """Watch the camera, with the classifier that is the newest one."""
        if self._view is None or (self._view.actions is not self._actions and self._open is None):
            self._view = LiveView(self._networks, Settings(), self._actions)

    def stop_live(self, silence: float) -> None:
        """Watch the camera no longer, if there was no picture for so many seconds."""
        if self._view is not None and time.monotonic() - self._view.last > silence:
            self._view = self._open = None

    def look(self, url: str, label: str | None) -> Look:
        """Process the newest picture of the camera, and record it.

        Args:
            url: as of `LiveView.process`.
            label: the action that it is recorded for; None if it is not recorded, which ends a
                take.

        Raises:
            UserError: as `LiveView.process`.
        """
        view = self._view
        if view is None:
            raise UserError("the camera is not watched: start it again")
        result, panel, threshold = view.process(url)
        kept, note = False, None
        with self._changing:
            try:
                note = self._record(result, label, threshold)
                kept = note is not None
            except UserError as error:
                note = str(error)
            taken = self._open
        seconds = None if taken is None or taken.ended else taken.seconds
        return Look(self._shown(result), panel, threshold, seconds, note, kept)

    def _shown(self, result: Result) -> Result:
        """The result with the visitor's own actions alone."""
        return result if self._actions else Result(result.frame, result.people, [])

    def _record(self, result: Result, label: str | None, threshold: float) -> str | None:
        """Record a picture, and say in a line which take was kept, if one ends with it.

        Raises:
            UserError: the take that ends is not kept, or there is no room for the one that begins.
        """
        taken = self._open
        if taken is not None and (taken.label != label or taken.is_spoilt(result.frame.time)):
            self._open = None
            return None if taken.ended else self._keep(taken, result.frame.time)
        if label is None:
            return None
        if taken is None:
            self.takes.check_room(label)
            self._open = taken = OpenTake(label, threshold)
        if taken.ended:
            return None
        taken.add(result)
        if taken.seconds < MAX_SECONDS:
            return None
        taken.ended = True
        return self._keep(taken, result.frame.time)

    def _keep(self, taken: OpenTake, now: float) -> str:
        if taken.is_spoilt(now):
            raise UserError("the take was not kept: the camera had stopped")
        take = self.takes.add(taken.label, taken.skeletons())
        return f"kept a take of {take.label}, {take.seconds:.1f} s"

    # What takes longer

    def add_clips(self, label: str, clips: Sequence[Path], drop: Callable[[Path], None]) -> None:
        """Take clips of a label.

        Args:
            label: of the action.
            clips: videos.
            drop: called with each of them once it is not needed any more.

        Raises:
            UserError: there is no room for a take of this label, or something else is being done.
        """
        label = read_label(label)
        self.takes.check_room(label)
        self._begin("waiting for its turn", lambda: self._add_clips(label, clips, drop))

    def _add_clips(self, label: str, clips: Sequence[Path], drop: Callable[[Path], None]) -> None:
        for number, clip in enumerate(clips, 1):
            try:
                with self._videos.join(self._session) as job:
                    self._wait(job)
                    self._tell(f"finding people in clip {number} of {len(clips)}")
                    self.takes.add(label, self._extract(clip))
            except UserError as error:
                self._say(f"{clip.name}: {str(error).replace(str(clip), 'it')}")
            finally:
                drop(clip)

    def _extract(self, clip: Path) -> Skeletons:
        with open_source(clip) as source:
            check_size(source.width, source.height)
            _check_length(source.duration or 0)
        frames = 0

        def check() -> None:
            nonlocal frames
            frames += 1
            self._check_present()
            if self._stopped:
                raise UserError("left out, since it was stopped")
            if frames > MAX_FRAMES:
                raise UserError(f"it has more than {MAX_FRAMES} pictures: cut it")

        return choose(record(clip, self._networks.pipeline(Settings()), check))

    def teach(self, minutes: int, extend: bool) -> None:
        """Teach the labels of the takes.

        Args:
            minutes: of training, one of `MINUTES`.
            extend: add them to the shared classifier's labels.

        Raises:
            UserError: there are too few takes, or no PyTorch, or something else is being done.
        """
        if find_spec("torch") is None:
            raise UserError(
                "teaching needs PyTorch, which is not installed here: save your takes, and load "
                "them where it is"
            )
        if minutes not in MINUTES:
            raise UserError(f"training may take {MINUTES} minutes")
        takes = self.takes.by_label()
        if not takes.keys() - {NOTHING}:
            raise UserError("there is nothing to teach yet: record two takes of an action")
        if poor := [label for label, found in takes.items() if len(found) < 2]:
            raise UserError(f"{poor[0]} has one take, and two are the least: record more")
        self._begin("waiting for its turn", lambda: self._teach(minutes, extend))

    def _teach(self, minutes: int, extend: bool) -> None:
        folder = self._folder / secrets.token_hex(8)
        data, out = folder / "takes.pkl", folder / f"{NAME}.safetensors"
        try:
            with self._lessons.join(self._session) as job:
                self._wait(job)
                for remark in write_takes(data, self.takes.examples()):
                    self._say(f"left out {remark}")
                self._tell("looking at the takes", 60.0 * minutes or None)
                self._teacher = Teacher(data, out, self._networks.weights, minutes, extend)
                with closing(self._teacher.messages()) as messages:
                    for message in messages:
                        self._check_present()
                        if isinstance(message, Learnt):
                            self._use(out, out.with_suffix(".onnx").read_bytes(), message)
                        elif self.work is not None:
                            self.work.words = message
        except UserError:
            if not self._stopped:
                raise
            self._say("stopped: what was learnt until then is kept")
        finally:
            self._teacher = None
            data.unlink(missing_ok=True)
            shutil.rmtree(out.with_suffix(".teaching"), ignore_errors=True)
            if self.weights != out:
                shutil.rmtree(folder, ignore_errors=True)

    def stop(self) -> None:
        """End what is being done."""
        self._stopped = True
        if self._teacher is not None:
            self._teacher.stop()

    def load(self, file: Path, drop: Callable[[Path], None]) -> None:
        """Load weights or takes that were downloaded before.

        Args:
            file: ends in .safetensors or .pkl.
            drop: called with it once it is not needed any more.

        Raises:
            UserError: it is something else, or something else is being done.
        """
        loaders = {".safetensors": self._load_weights, ".pkl": self._load_takes}
        if file.suffix.lower() not in loaders:
            raise UserError(f"{file.name} is no file of weights or takes")
        load = loaders[file.suffix.lower()]

        def work() -> None:
            try:
                with self._lessons.join(self._session) as job:
                    self._wait(job)
                    self._tell(f"reading {file.name}")
                    load(file)
            except UserError as error:
                raise UserError(str(error).replace(str(file), file.name)) from error
            finally:
                drop(file)

        self._begin("waiting for its turn", work)

    def _load_weights(self, file: Path) -> None:
        if file.stat().st_size > MAX_WEIGHTS:
            raise UserError(f"{file.name} has more than {MAX_WEIGHTS / 1e6:.0f} MB")
        graph = export_apart("strl", file)
        kept = self._folder / secrets.token_hex(8) / f"{NAME}.safetensors"
        kept.parent.mkdir(parents=True)
        shutil.copy(file, kept)
        self._use(kept, graph, None)
        self._say(f"{file.name} knows {', '.join(self.labels[:12])}")

    def _load_takes(self, file: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        found = read_takes(file, self._folder / "read.pkl")
        for label, skeletons in found:
            self.takes.add(label, skeletons)
        self._say(f"loaded {len(found)} takes")

    def save_takes(self) -> Path:
        """Write the takes as a data set in PYSKL's format, and return its path.

        Raises:
            UserError: there are none, or they cannot be written.
        """
        path = self._folder / secrets.token_hex(8) / f"{NAME}.pkl"
        write_takes(path, self.takes.examples())
        return path

    def leave(self) -> None:
        """Stop everything, and forget it. What is being done ends soon."""
        self._present = False
        self.stop()
        self.takes.clear()
        self._view = self._open = self._actions = None
        if self.work is None:
            self._delete()

    def _delete(self) -> None:
        self.takes.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _use(self, weights: Path, graph: bytes, learnt: Learnt | None) -> None:
        """Use a classifier from now on."""
        before, self.weights = self.weights, weights
        self._actions = CompiledSTRL.from_graph(graph)
        self.labels = [label.name for label in self._actions.labels]
        self.learnt = learnt
        if before is not None and before != weights:
            shutil.rmtree(before.parent, ignore_errors=True)

    def _begin(self, words: str, task: Callable[[], None]) -> None:
        """Do something on a thread of its own, one thing at a time."""
        with self._changing:
            if self.work is not None:
                raise UserError("one thing at a time: wait until the last one is done, or stop it")
            if not self._present:
                raise UserError("this visit has ended: load the page again")
            self.work, self.said, self._stopped = Work(words), [], False
        Thread(target=self._do, args=(task,), name="lesson", daemon=True).start()

    def _do(self, task: Callable[[], None]) -> None:
        try:
            with suppress(Left):
                task()
        except UserError as error:
            self._say(str(error))
        except BaseException:
            self._say("that failed, by a mistake of the program")
            raise
        finally:
            self.work = None
            if not self._present:
                self._delete()

    def _wait(self, job: Job) -> None:
        """Wait for a job's turn."""
        while before := job.wait(WAIT_PERIOD):
            self._check_present()
            if self._stopped:
                raise UserError("stopped before it began")
            self._tell(f"waiting for {before} other{'s' if before > 1 else ''}")

    def _tell(self, words: str, seconds: float | None = None) -> None:
        self.work = Work(words, seconds)

    def _say(self, line: str) -> None:
        self.said = [*self.said, line][:MAX_SAID]
        self.news += 1

    def _check_present(self) -> None:
        if not self._present:
            raise Left


def _check_length(seconds: float) -> None:
    if seconds > MAX_SECONDS + 0.5:
        raise UserError(f"a take may last {MAX_SECONDS:.0f} seconds: cut it into shorter ones")
