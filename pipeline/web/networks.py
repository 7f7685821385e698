"""The networks that all visitors share, and what a visitor may choose about them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from models.action.label import Label
from pipeline.classify import ActionNetwork
from pipeline.detect import Detector
from pipeline.engine import QUALITIES, WEIGHTS, Pipeline, Result, load_strl
from pipeline.pose import PoseEstimator
from pipeline.source import Frame

DETECTORS = 2
"""Detectors that run beside other stages: one for the video, one for all cameras."""


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


class Networks:
    """The networks, loaded once and shared by all visitors.

    Args:
        device: that the networks run on.
        weights: of the action classifier.

    Attributes:
        weights: of the classifier.
        labels: the actions that can be recognised.

    Raises:
        UserError: `weights` cannot be read, or `device` is not available.
    """

    def __init__(self, device: str = "cpu", weights: Path | str = WEIGHTS):
        self.weights = weights
        self._device = device
        self._actions = load_strl(weights, device, runtime=None)
        self._detector = Detector(device=device)
        self._detectors = ThreadPoolExecutor(DETECTORS, "detector")
        self._poses = {"fast": PoseEstimator(QUALITIES["fast"], device=device)}
        self._loading = Lock()
        self._busy = Lock()
        self.labels: list[Label] = self._actions.labels

    def pipeline(self, settings: Settings, actions: ActionNetwork | None = None) -> Pipeline:
        """Create a pipeline on the shared networks, with tracks and windows of its own.

        Args:
            settings: a visitor's.
            actions: a classifier of the visitor's own; the shared one if None.

        Raises:
            UserError: a network is needed for the first time, and cannot be compiled.
        """
        quality = settings.quality
        with self._loading:
            if quality not in self._poses:
                self._poses[quality] = PoseEstimator(QUALITIES[quality], device=self._device)
        return Pipeline(
            people=settings.people,
            confidence=settings.confidence,
            pose=self._poses[quality],
            detector=self._detector,
            device=self._device,
            actions=actions or self._actions,
            executor=self._detectors,
        )

    def run(self, pipeline: Pipeline, frame: Frame) -> Result:
        """Process one frame, one caller after the other, so that live views share the machine."""
        with self._busy:
            return pipeline(frame)
