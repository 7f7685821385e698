"""What a user chooses of the pipeline, the networks for it, and what their results depend on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from models.files import CONFIGS, ROOT, cache_folder
from models.files import WEIGHTS as BUNDLED
from pipeline.detect import Detector
from pipeline.engine import PEOPLE, QUALITIES, WEIGHTS, Pipeline, load_strl
from pipeline.overlap import Inline
from pipeline.pose import PoseEstimator, download, find_model

if TYPE_CHECKING:
    from pipeline.classify import ActionNetwork


@dataclass(frozen=True)
class Networks:
    """The networks of a pipeline. They know nothing of a video, so several may share them.

    Attributes:
        pose: estimates keypoints.
        detector: finds people.
        actions: classifies windows.
    """

    pose: PoseEstimator
    detector: Detector
    actions: ActionNetwork


@dataclass(frozen=True)
class Choices:
    """What is recognised, and by which networks.

    Attributes:
        people: number of people whose actions are recognised.
        confidence: probability from which a label is shown; the calibrated one if None.
        weights: of the action classifier.
        pose: a pose model, as `PoseEstimator` takes it.
        pose_config, pose_checkpoint: a pose model of the user's.
        device: that the networks run on.
        runtime: "onnx" or "torch"; the faster one on the device if None.
        half: the pose networks in half precision.
        threads: CPU threads of each network; two if None. If 1, the detector has none of its own.
    """

    people: int = PEOPLE
    confidence: float | None = None
    weights: Path = WEIGHTS
    pose: str = QUALITIES["fast"]
    pose_config: Path | None = None
    pose_checkpoint: Path | None = None
    device: str = "cpu"
    runtime: str | None = None
    half: bool = False
    threads: int | None = None

    def load(self) -> Networks:
        """Load the networks.

        Raises:
            UserError: a model is unknown or cannot be read, or the device is not available.
        """
        where = self.device, self.runtime, self.threads
        return Networks(
            PoseEstimator(self.pose, self.pose_config, self.pose_checkpoint, *where),
            Detector(device=self.device, runtime=self.runtime, threads=self.threads),
            load_strl(self.weights, *where),
        )

    def pipeline(self, networks: Networks | None = None) -> Pipeline:
        """Create a pipeline that has seen nothing yet.

        Args:
            networks: that are loaded already.

        Raises:
            UserError: as `load`, or half precision is not possible.
        """
        networks = networks or self.load()
        pipeline = Pipeline(
            people=self.people,
            confidence=self.confidence,
            pose=networks.pose,
            detector=networks.detector,
            device=self.device,
            runtime=self.runtime,
            actions=networks.actions,
            executor=Inline() if self.threads == 1 else None,
        )
        if self.half:
            pipeline.half()
        return pipeline


def use_one_thread(runtime: str | None) -> None:
    """Keep this process to one thread a call of OpenCV and, if networks run on it, of PyTorch."""
    cv2.setNumThreads(1)
    if runtime == "torch":
        import torch  # takes a second, which compiled networks save

        torch.set_num_threads(1)


@contextmanager
def compiling() -> Iterator[None]:
    """Let no other process compile networks for the same cache meanwhile, if there is one."""
    from filelock import FileLock  # which the small environment does not have

    folder = cache_folder()
    with ExitStack() as stack:
        if folder is not None:
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(FileLock(folder / "compiling.lock"))
        yield


def pose_files(pose: str, config: Path | None, checkpoint: Path | None) -> list[Path]:
    """Return the files of a pose model, as `PoseEstimator` takes it, and the detector's weights.

    Raises:
        UserError: the model is unknown, or cannot be downloaded.
    """
    if config is None or checkpoint is None:
        config, found = find_model(pose)
        checkpoint = download(str(found))
    return [config, checkpoint, *sorted(BUNDLED.glob("movenet_multipose*"))]


def live_code(folders: Iterable[Path] = ()) -> list[Path]:
    """Return the source files that can change what is seen in a video, and those of `folders`.

    Whole folders are listed, not single files, so that a new file cannot be forgotten.
    """
    models = ROOT / "models"
    every = models, models / "pose", models / "runtime", ROOT / "pipeline", *folders
    code = [file for folder in every for file in folder.glob("*.py")]
    return sorted([*code, *CONFIGS.rglob("movenet*.py")])
