"""The pipeline: a frame in, the people in it and their actions out."""

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from models.errors import UserError, note
from models.runtime.compiled import CompiledSTRL
from models.runtime.graphs import choose_runtime
from pipeline.changes import half_size, thumbnail
from pipeline.classify import Action, ActionNetwork, Classifier
from pipeline.detect import Detections, Detector
from pipeline.events import Event
from pipeline.listeners import Listeners
from pipeline.overlap import in_turn, overlap
from pipeline.person import Person
from pipeline.pose import PoseEstimator
from pipeline.search import Search
from pipeline.source import Frame
from pipeline.track import Tracker
from pipeline.window import Windows, choose_groups

WEIGHTS = Path(__file__).parents[1] / "weights" / "strl.safetensors"
"""The bundled action classifier."""

QUALITIES = {"fast": "movenet-lightning", "accurate": "movenet-thunder"}
"""The bundled pose model of each quality."""

PEOPLE = 2
"""Default number of people whose actions are recognised."""

TRACKED = 6
"""Number of people who are tracked and drawn, unless the actions of more are recognised."""

PERIOD = 0.2
"""Seconds between classifications."""

LAG, LOST_LAG = 0.2, 0.03
"""Seconds after which the pipeline takes the detections of a frame, and those while a track is
lost. Until then the detector runs beside the pose network, and no frame waits for it."""


@runtime_checkable
class HalfPrecision(Protocol):
    """A network that can run in half precision, which those of PyTorch can."""

    half: bool


@dataclass
class Result:
    """What is known of one frame.

    Attributes:
        frame: the frame.
        people: all tracked people in it.
        actions: of the most prominent people, alone or in pairs.
    """

    frame: Frame
    people: list[Person]
    actions: list[Action]


@dataclass
class Compared:
    """A frame after `Pipeline.compare`.

    Attributes:
        frame: the frame.
        thumbnail: of the frame (see `pipeline.changes`).
        cut: whether a new scene begins with it.
    """

    frame: Frame
    thumbnail: np.ndarray
    cut: bool


@dataclass
class Tracked:
    """A frame after `Pipeline.track`.

    Attributes:
        frame: the frame.
        people: all tracked people in it.
        cut: whether a new scene begins with it.
        groups: ids of the people to classify, alone or in pairs; None if no classification is due.
    """

    frame: Frame
    people: list[Person]
    cut: bool
    groups: list[tuple[int, ...]] | None = None


class TrackingPipeline:
    """Finds people and tracks them, frame by frame: the pipeline as far as keypoints and ids.

    Args:
        people: number of people whose actions are recognised: the most prominent ones.
        pose: estimates keypoints; MoveNet Lightning if None.
        detector: finds people; MoveNet MultiPose if None.
        device: of the networks that the constructor loads, such as "cpu" or "cuda".
        runtime: "onnx" or "torch" for these networks; the faster one on the device if None.
        executor: runs the detector beside the other stages; a thread of its own if None.

    Attributes:
        pose, detector, tracker: the stages.
        executor: as above.

    Raises:
        UserError: `device` is not available.
    """

    def __init__(
        self,
        people: int = PEOPLE,
        pose: PoseEstimator | None = None,
        detector: Detector | None = None,
        device: str = "cpu",
        runtime: str | None = None,
        executor: Executor | None = None,
    ):
        self.people = people
        self.device = device
        self.pose = pose or PoseEstimator(QUALITIES["fast"], device=device, runtime=runtime)
        self.detector = detector or Detector(device=device, runtime=runtime)
        self.tracker = Tracker(self.pose.threshold, max(people, TRACKED))
        self.executor = executor or ThreadPoolExecutor(1)
        self._previous: np.ndarray | None = None
        self._reset_tracking()

    def half(self) -> None:
        """Run the pose networks in half precision, which needs PyTorch and a GPU.

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

    def reset(self) -> None:
        """Forget everything, as after a cut or an interrupted stream. Ids are not used again."""
        self._reset_tracking()
        self._previous = None

    def _reset_tracking(self) -> None:
        self.tracker.reset()
        self.search = Search()
        self._last_classified: float = -np.inf
        self._detection: tuple[float, Future[Detections]] | None = None

    def compare(self, frame: Frame) -> Compared:
        """Tell whether a new scene begins with the frame. Owns the previous thumbnail."""
        full = thumbnail(frame.image)
        previous, self._previous = self._previous, half_size(full)
        cut = previous is not None and is_cut(previous, self._previous)
        return Compared(frame, full, cut)

    def track(self, compared: Compared) -> Tracked:
        """Track people into the frame, and choose whose actions to recognise. Owns all tracking."""
        frame = compared.frame
        if compared.cut:
            self._reset_tracking()
        tracked = Tracked(frame, self._track_people(compared), compared.cut)
        if frame.time - self._last_classified >= PERIOD - 1e-6:
            self._last_classified = frame.time
            selected = set(self.tracker.most_prominent(self.people))
            tracked.groups = choose_groups([p for p in tracked.people if p.id in selected])
        return tracked

    def _track_people(self, compared: Compared) -> list[Person]:
        frame, tracker = compared.frame, self.tracker
        if self._detection is None and self.search.due(frame.time, tracker.needs_detection):
            self._start_detection(compared)
        self._take_detections(frame.time)
        for region in tracker.crowded_regions(frame.time):
            view = self.search.close_up(region, frame.image.shape)
            tracker.add_close_up(frame.time, self.detector(frame.image, [view]))
        crops = tracker.crops(frame.time)
        keypoints = self.pose(frame.image, crops.boxes, crops.turns)
        return tracker.update(frame.time, keypoints, frame.image)

    def _start_detection(self, compared: Compared) -> None:
        """Run the detector on the frame, unless it is certain that no new person is there."""
        frame, small = compared.frame, compared.thumbnail
        tracked = self.tracker.expected_boxes(frame.time)
        shape, certain = frame.image.shape, self.tracker.is_certain
        lost = self.tracker.lost_boxes(frame.time)
        views = self.search.views(frame.time, shape, small, tracked, certain, lost)
        if views:
            image = frame.image.copy()  # the frame may be drawn on meanwhile
            found = self.executor.submit(self.detector, image, views, tracked)
            self._detection = frame.time, found

    def _take_detections(self, time: float) -> None:
        """Give the tracker pending detections once their lag has passed."""
        if self._detection is None:
            return
        began, found = self._detection
        lag = 0.0 if self.tracker.is_empty else LOST_LAG if self.tracker.needs_detection else LAG
        if time - began >= lag - 1e-6:
            self.search.take(self.tracker.add_detections(began, found.result()))
            self._detection = None


class Pipeline(TrackingPipeline):
    """Finds people, tracks them, and recognises their actions, frame by frame.

    Args:
        people: number of people whose actions are recognised: the most prominent ones, and the
            nearest pairs of them.
        confidence: probability from which a label is shown; the calibrated one if None.
        pose: estimates keypoints; MoveNet Lightning if None.
        detector: finds people; MoveNet MultiPose if None.
        weights: of the action classifier.
        device: of the networks that the constructor loads, such as "cpu" or "cuda".
        runtime: "onnx" or "torch" for these networks; the faster one on the device if None.
        actions: classifies windows; STRL with `weights` if None.
        executor: runs the detector beside the other stages; a thread of its own if None.

    Attributes:
        pose, detector, tracker, windows, classifier: the stages.
        executor: as above.

    Raises:
        UserError: `weights` cannot be read, or `device` is not available.

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
        actions: ActionNetwork | None = None,
        executor: Executor | None = None,
    ):
        super().__init__(people, pose, detector, device, runtime, executor)
        self.classifier = Classifier(actions or load_strl(weights, device, runtime), confidence)
        self.windows = Windows(self.pose.threshold)
        self._listeners = Listeners()
        self._reset_actions()

    @property
    def labels(self) -> list[str]:
        """All actions that can be recognised, in the order of `Action.scores`."""
        return [label.name for label in self.classifier.model.labels]

    def on(
        self,
        label: str | None,
        start: Callable[[Event], None] | None = None,
        end: Callable[[Event], None] | None = None,
    ) -> None:
        """Call back when an action begins, and when it has ended.

        The callbacks run between frames, on the thread that classifies, and should be short. An
        action has ended when it was missing for `pipeline.events.MAX_GAP` seconds, or its people
        do something else, or at a cut. `Event.end` is the first moment without it; at a cut, and at
        a `reset`, the last one with it.

        Args:
            label: of the action; any if None.
            start: called with the event when it begins.
            end: called with it when it has ended.

        Raises:
            UserError: there is no such label.

        Example:
            >>> pipeline.on("wave", start=lambda event: print(event.people, event.start))
        """
        if label is not None and label not in self.labels:
            raise UserError(f"there is no label {label}; there are: {', '.join(self.labels)}")
        self._listeners.add(label, start, end)

    def reset(self) -> None:
        """Forget everything, as after a cut or an interrupted stream. Ids are not used again."""
        super().reset()
        self._reset_actions()

    def _reset_actions(self) -> None:
        self.windows.reset()
        self.classifier.reset()
        self._listeners.reset()
        self._actions: list[Action] = []

    def __call__(self, frame: Frame) -> Result:
        """Process the next frame; times must increase."""
        with in_frame(frame):
            return self.classify(self.track(self.compare(frame)))

    def run(
        self, frames: Iterable[Frame], *stages: Callable[[Any], Any], threads: bool = True
    ) -> Generator[Any, None, None]:
        """Process frames with the results of one call after the other, but several at a time.

        Reading, comparing, tracking and classifying work side by side, each on its own thread and
        frame, and so do further stages. Close the iterator (`contextlib.closing`) if it is not
        iterated to the end.

        Args:
            frames: read on a thread of its own; times must increase.
            stages: further stages, each a function of the previous one's result; the first one
                gets the `Result`.
            threads: if False, all of it on the caller's thread, one frame after the other.

        Yields:
            The `Result` of each frame, or what the last stage makes of it, in order.
        """
        every: tuple[Callable[[Any], Any], ...] = (self.compare, self.track, self.classify, *stages)
        together = overlap if threads else in_turn
        return together(frames, *(partial(_named, stage) for stage in every))

    def classify(self, tracked: Tracked) -> Result:
        """Recognise the actions of the people in the frame. Owns windows and classifier."""
        frame = tracked.frame
        if tracked.cut:
            self._reset_actions()
        self.windows.push(frame.time, tracked.people)
        if tracked.groups:
            windows, present = self.windows.cut(frame.time, tracked.groups)
            self._actions = self.classifier(frame.time, tracked.groups, windows, present)
        elif tracked.groups is not None:
            self._actions = []
        ids = {person.id for person in tracked.people}
        actions = [action for action in self._actions if ids.issuperset(action.people)]
        self._listeners.update(frame.time, actions)
        return Result(frame, tracked.people, actions)


@contextmanager
def in_frame(frame: Frame) -> Iterator[None]:
    """Note on an error that is ours, and not the user's, in which frame it was raised."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        note(error, f"in frame {frame.index}, at {frame.time:.3f} s")
        raise


def _named(stage: Callable[[Any], Any], item: Any) -> Any:
    """What a stage makes of a frame, or of the previous stage's result of one."""
    with in_frame(item if isinstance(item, Frame) else item.frame):
        return stage(item)


def load_strl(
    weights: Path | str, device: str, runtime: str | None, threads: int | None = None
) -> ActionNetwork:
    """Load the action classifier's network, compiled or as PyTorch's.

    Args:
        weights: a checkpoint.
        device: such as "cpu" or "cuda".
        runtime: "onnx" or "torch"; the faster one on the device if None.
        threads: CPU threads of ONNX Runtime; two if None.

    Raises:
        UserError: `weights` cannot be read, or `device` is not available.
    """
    if choose_runtime(runtime, device) == "onnx":
        return CompiledSTRL(weights, device, threads)
    # Imported here: it takes seconds and 600 MB, which the compiled network saves.
    from models.action.strl import STRL

    return STRL.load(weights, device)


def is_cut(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether two small grey pictures in a row are of different scenes.

    In 1,000 frames of seven videos, among them a fast pan and a moving camera, consecutive frames
    correlate above 0.73. Pictures of different videos correlate below 0.61 and differ by more than
    26 grey levels.
    """
    with np.errstate(invalid="ignore"):  # a picture of a single grey correlates with nothing
        correlation = np.corrcoef(before.ravel(), after.ravel())[0, 1]
    return bool(correlation < 0.68 and np.abs(before - after).mean() > 15)
