"""Skeletons of one clip: from a video, by the live path's own stages, or from a file of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.data.imports import files
from models.data.imports.given import Given
from models.data.recording import Recording, Skeletons, Trajectory
from pipeline.detect import Detector
from pipeline.engine import QUALITIES, TrackingPipeline
from pipeline.extract.people import choose
from pipeline.person import Person
from pipeline.pose import PoseEstimator
from pipeline.source import open_source


@dataclass(frozen=True)
class Settings:
    """How skeletons are found.

    Attributes:
        pose: a pose model, as `PoseEstimator` takes it.
        pose_config, pose_checkpoint: a pose model of the user's.
        device: that the networks run on.
        runtime: "onnx" or "torch"; the faster one on the device if None.
        threads: CPU threads of each network; two if None.
        given: what files of skeletons do not say.
    """

    pose: str = QUALITIES["fast"]
    pose_config: Path | None = None
    pose_checkpoint: Path | None = None
    device: str = "cpu"
    runtime: str | None = None
    threads: int | None = None
    given: Given = field(default_factory=Given)

    def pipeline(self) -> TrackingPipeline:
        """Load the networks.

        Raises:
            UserError: as `PoseEstimator` and `Detector`.
        """
        pose = PoseEstimator(
            *(self.pose, self.pose_config, self.pose_checkpoint),
            *(self.device, self.runtime, self.threads),
        )
        detector = Detector(device=self.device, runtime=self.runtime, threads=self.threads)
        return TrackingPipeline(pose=pose, detector=detector, device=self.device)


def extract(
    path: Path,
    settings: Settings = Settings(),
    pipeline: TrackingPipeline | None = None,
    check: Callable[[], None] = lambda: None,
) -> Skeletons:
    """Find the skeletons of the one or two most prominent people in a clip.

    Args:
        path: a video, or a file of skeletons (see `models.data.imports.files`).
        settings: how they are found.
        pipeline: networks that are loaded already; those of the settings if None.
        check: called before each frame of a video; may raise an exception to stop.

    Returns:
        The people, over all frames of the clip. There may be none.

    Raises:
        UserError: the file cannot be read, is damaged from the beginning, or holds something else.
    """
    if files.has_skeletons(path):
        return choose(files.read(path, settings.given))
    return choose(record(path, pipeline or settings.pipeline(), check))


def record(
    path: Path, pipeline: TrackingPipeline, check: Callable[[], None] = lambda: None
) -> Recording:
    """Track everybody through a video, at its own timestamps.

    Args:
        path: the video.
        pipeline: is reset first.
        check: as in `extract`.

    Raises:
        UserError: see `pipeline.source.open_source`.
    """
    pipeline.reset()
    sightings = Sightings(pipeline.pose.threshold)
    with open_source(path) as source:
        for frame in source:
            check()
            tracked = pipeline.track(pipeline.compare(frame))
            sightings.add(frame.time, tracked.people, tracked.cut)
    problem = source.problem and source.problem.removeprefix(f"{path} ")
    return sightings.recording((source.width, source.height), problem)


class Sightings:
    """Everybody who is tracked, frame after frame.

    Args:
        threshold: the pose model's; joints with a lower score are absent.

    Attributes:
        times: of the frames, in seconds.
    """

    def __init__(self, threshold: float):
        self.times: list[float] = []
        self._threshold = threshold
        self._scene = 0
        self._seen: dict[tuple[int, int], list[tuple[int, np.ndarray]]] = {}

    def add(self, time: float, people: Sequence[Person], cut: bool = False) -> None:
        """Add the people of the next frame, and whether a new scene begins with it."""
        self._scene += cut
        for person in people:
            pose = person.keypoints.astype(np.float32)
            pose[pose[:, 2] < self._threshold] = 0
            if pose.any():
                self._seen.setdefault((self._scene, person.id), []).append((len(self.times), pose))
        self.times.append(time)

    def recording(self, size: tuple[int, int], problem: str | None = None) -> Recording:
        """What was seen; arguments as of `Recording`."""
        people = [
            Trajectory(
                frames=np.array([number for number, _ in appearances], np.int64),
                keypoints=np.array([pose for _, pose in appearances]),
                scene=scene,
            )
            for (scene, _), appearances in self._seen.items()
        ]
        return Recording(np.array(self.times), size, people, problem)
