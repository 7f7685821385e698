"""The stages joined: a frame in, the people in it and what they do out."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from models.errors import UserError
from models.runtime.compiled import CompiledSTRL
from models.runtime.graphs import choose_runtime
from pipeline.changes import Changes, smaller, thumbnail
from pipeline.classify import Action, ActionNetwork, Classifier
from pipeline.detect import Detections, Detector
from pipeline.overlap import overlap
from pipeline.person import Person
from pipeline.pose import PoseEstimator
from pipeline.source import Frame
from pipeline.track import Tracker
from pipeline.window import Windows, groups

WEIGHTS = Path(__file__).parents[1] / "weights" / "strl.safetensors"
"""The action classifier that ships with the project."""

QUALITIES = {"fast": "movenet-lightning", "accurate": "movenet-thunder"}
"""The bundled pose model of each quality."""

PEOPLE = 2
"""People whose actions are named, unless asked otherwise."""

TRACKED = 6
"""People who are followed and drawn, if not more are asked for."""

PERIOD = 0.2
"""Seconds from one classification to the next."""

LAG = 0.2
"""Seconds after which the detector's answer on a frame is taken, while nobody waits for it. Until
then it works beside the pose network, and no frame is late for it."""


@runtime_checkable
class HalfPrecision(Protocol):
    """A network that can compute in half precision: one of PyTorch's."""

    half: bool


@dataclass
class Result:
    """What is known of one frame.

    Attributes:
        frame: the frame.
        people: everybody followed who is in it.
        actions: what those who matter most do, alone or in pairs.
    """

    frame: Frame
    people: list[Person]
    actions: list[Action]


@dataclass
class Compared:
    """A frame that was compared with the one before.

    Attributes:
        frame: as in `Result`.
        thumbnail: of the frame (see `pipeline.changes`).
        cut: whether a new scene begins with it.
    """

    frame: Frame
    thumbnail: np.ndarray
    cut: bool


@dataclass
class Seen:
    """A frame between seeing and naming.

    Attributes:
        frame, people: as in `Result`.
        cut: whether a new scene begins with the frame.
        asked: whose actions are to be named now: ids of one or two people each; None if it is not
            time.
    """

    frame: Frame
    people: list[Person]
    cut: bool
    asked: list[tuple[int, ...]] | None = None


class Pipeline:
    """Finds people, follows them, and names what they do, frame by frame.

    Args:
        people: how many people's actions are named: those who matter most, and the nearest pairs
            among them.
        confidence: probability from which an action is named; the calibrated one if None.
        pose: estimates keypoints; MoveNet Lightning if None.
        detector: finds people; MoveNet MultiPose if None.
        weights: of the action classifier.
        device: that the networks of this constructor run on, such as "cpu" or "cuda".
        runtime: "onnx" or "torch" for the networks of this constructor; the faster one on the
            device if None.

    Attributes:
        pose, detector, tracker, windows, classifier: the stages.
        beside: where the detector works while frames go on.

    Raises:
        UserError: ``weights`` cannot be read, or ``device`` is not there.

    Example:
        >>> pipeline = Pipeline()
        >>> for result in pipeline.run(open_source("walk.mp4")):
        ...     for action in result.actions:
        ...         print(result.frame.time, action.people, action.label, action.score)
    """

    def __init__(
        self,
        people: int = PEOPLE,
        confidence: float | None = None,
        pose: PoseEstimator | None = None,
        detector: Detector | None = None,
        weights: Path | str = WEIGHTS,
        device: str = "cpu",
        runtime: str | None = None,
    ):
        self.people = people
        self.device = device
        self.pose = pose or PoseEstimator(QUALITIES["fast"], device=device, runtime=runtime)
        self.detector = detector or Detector(device=device, runtime=runtime)
        self.classifier = Classifier(load_strl(weights, device, runtime), confidence)
        self.tracker = Tracker(self.pose.threshold, max(people, TRACKED))
        self.windows = Windows(self.pose.threshold)
        self.beside: Executor = ThreadPoolExecutor(1)
        self._classified = -np.inf
        self._actions: list[Action] = []
        self.forget()

    @property
    def labels(self) -> list[str]:
        """Everything that can be recognised, in the order of `Action.scores`."""
        return [label.name for label in self.classifier.model.labels]

    def halve(self) -> None:
        """Compute the pose networks in half precision: PyTorch's, on a GPU.

        Raises:
            UserError: they are not there.
        """
        networks = [
            network
            for network in (self.pose.model, self.detector.model)
            if isinstance(network, HalfPrecision)
        ]
        if len(networks) < 2 or not self.device.startswith("cuda"):
            raise UserError("--half needs --device cuda, and PyTorch as the runtime")
        for network in networks:
            network.half = True

    def forget(self) -> None:
        """Start afresh, as after a cut or a broken stream. Ids are not used again."""
        self._start_scene()
        self._start_actions()
        self._before: np.ndarray | None = None

    def __call__(self, frame: Frame) -> Result:
        """Process the next frame; times must increase."""
        return self.name(self.see(self.compare(frame)))

    def run(
        self, frames: Iterable[Frame], *after: Callable[[Any], Any]
    ) -> Generator[Any, None, None]:
        """Process frames as calls one after the other would, but several at a time.

        Reading, comparing, seeing, and naming work side by side, each on its own frame and thread,
        and so do further stages. Close the iterator (`contextlib.closing`) if it is not used up.

        Args:
            frames: read on a thread of its own; times must increase.
            after: further stages, each a function of what the one before returned; the first is
                given the `Result`.

        Yields:
            A `Result` a frame, or what the last stage makes of it, in order.
        """
        return overlap(frames, self.compare, self.see, self.name, *after)

    def compare(self, frame: Frame) -> Compared:
        """Whether a new scene begins with the frame; owns the thumbnail before."""
        small = thumbnail(frame.image)
        before, self._before = self._before, smaller(small)
        cut = before is not None and is_cut(before, self._before)
        return Compared(frame, small, cut)

    def see(self, compared: Compared) -> Seen:
        """Who is in the frame, and whose actions are to be named; owns all that is followed."""
        frame = compared.frame
        if compared.cut:
            self._start_scene()
        seen = Seen(frame, self._follow(compared), compared.cut)
        if frame.time - self._classified >= PERIOD - 1e-6:
            self._classified = frame.time
            chosen = set(self.tracker.chosen(self.people))
            seen.asked = groups([person for person in seen.people if person.id in chosen])
        return seen

    def name(self, seen: Seen) -> Result:
        """What the people of the frame do; owns all that is remembered of actions."""
        if seen.cut:
            self._start_actions()
        self.windows.push(seen.frame.time, seen.people)
        if seen.asked:
            windows, present = self.windows.cut(seen.frame.time, seen.asked)
            self._actions = self.classifier(seen.frame.time, seen.asked, windows, present)
        elif seen.asked is not None:
            self._actions = []
        here = {person.id for person in seen.people}
        actions = [action for action in self._actions if here.issuperset(action.people)]
        return Result(seen.frame, seen.people, actions)

    def _start_scene(self) -> None:
        self.tracker.forget()
        self.changes = Changes()
        self._classified = -np.inf
        self._looks = 0
        self._pending: tuple[float, Future[Detections]] | None = None

    def _start_actions(self) -> None:
        self.windows.forget()
        self.classifier.forget()
        self._actions = []

    def _follow(self, compared: Compared) -> list[Person]:
        frame = compared.frame
        if self._pending is None and self.tracker.detection_due(frame.time):
            self._search(compared)
        if self._pending is not None:
            began, found = self._pending
            if self.tracker.in_trouble or frame.time - began >= LAG - 1e-6:
                self.tracker.detect(began, found.result())
                self._pending = None
        for region in self.tracker.huddles(frame.time):
            self.tracker.look_closer(frame.time, self.detector(frame.image, region))
        keypoints = self.pose(frame.image, self.tracker.expected(frame.time))
        return self.tracker.update(frame.time, keypoints)

    def _search(self, compared: Compared) -> None:
        """Let the detector look, unless it can be known that nobody came."""
        frame, turn = compared.frame, self._looks
        self._looks += 1
        known = self.tracker.boxes(frame.time)
        height, width = frame.image.shape[:2]
        shares = known / np.array([width, height, width, height], np.float32)
        changed = [
            self.changes.since(region, frame.time, compared.thumbnail, shares)
            for region in self.detector.regions(frame.image, turn)
        ]
        if any(changed) or not self.tracker.at_ease:
            image = frame.image.copy()  # what is drawn on the frame must not be seen
            found = self.beside.submit(self.detector.search, image, turn, known)
            self._pending = frame.time, found
        else:
            self.tracker.skip_detection(frame.time)


def load_strl(weights: Path | str, device: str, runtime: str | None) -> ActionNetwork:
    """The action classifier's network, compiled or not.

    Raises:
        UserError: ``weights`` cannot be read, or ``device`` is not there.
    """
    if choose_runtime(runtime, device) == "onnx":
        return CompiledSTRL(weights, device)
    # Imported here, since it takes seconds and 600 MB that graphs do without.
    from models.action.strl import STRL

    return STRL.load(weights, device)


def is_cut(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether two small grey pictures in a row are of different scenes.

    Within 1,000 frames of seven videos, among them a fast pan and a moving camera, neighbours
    correlate above 0.73; pictures of different videos correlate below 0.61 and differ by more than
    26 grey levels.
    """
    with np.errstate(invalid="ignore"):  # a picture of one grey correlates with nothing
        correlation = np.corrcoef(before.ravel(), after.ravel())[0, 1]
    return bool(correlation < 0.68 and np.abs(before - after).mean() > 15)
