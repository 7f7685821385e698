"""MMPose models with their own test pipelines. Their checkpoints cannot run code; configs can."""

import pickle
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.logging import HistoryBuffer
from mmengine.structures import InstanceData
from mmpose.apis import init_model
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.models.pose_estimators.base import BasePoseEstimator

from models.errors import UserError
from models.files import CONFIGS, WEIGHTS, check_input
from models.pose.crops import rotate
from models.skeleton import JOINTS

DEFAULT_THRESHOLD = 0.3
"""Keypoint threshold of models whose config has none of ours: MMPose's own default, `kpt_thr`."""


def _no_getattr(*_: object) -> None:
    """Replace `getattr`, which the training log in a checkpoint names and weights do not."""


SAFE = [
    np.ndarray,
    np.dtype,
    # NumPy's type stubs leave out these two, which pickled arrays and scalars name.
    np.core.multiarray._reconstruct,  # type: ignore[attr-defined]
    np.core.multiarray.scalar,  # type: ignore[attr-defined]
    *(type(np.dtype(kind)) for kind in "?bBhHiIlLqQefd"),
    HistoryBuffer,
    (_no_getattr, "builtins.getattr"),
]
"""All that a checkpoint may name. Beside tensors, MMEngine stores tables of joints and the training
log."""


def load_config(path: str | Path) -> Config:
    """Read an MMEngine config. It is Python code and is run.

    Raises:
        UserError: the file is missing, or is not a usable config.
    """
    if not Path(path).is_file():
        raise UserError(f"no such config: {path}")
    try:
        return Config.fromfile(path)
    except Exception as error:  # a config is a program, and can fail in any way
        raise UserError(f"{path} is not a usable MMEngine config: {one_line(error)}") from error


def load_checkpoint(path: str | Path) -> dict[str, torch.Tensor]:
    """Read the state dict of a checkpoint, and refuse any file that would run code.

    Raises:
        UserError: the file is missing or damaged, holds more than tensors and plain values, or has
            no weights.
    """
    check_input(path)
    try:
        with torch.serialization.safe_globals(SAFE):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} is refused: it holds more than tensors and plain values, and reading it could "
            "run code"
        ) from error
    except Exception as error:  # torch.load does not document what it raises for broken files
        raise UserError(f"{path} is not a PyTorch checkpoint: {one_line(error)}") from error
    state = checkpoint.get("state_dict", checkpoint) if isinstance(checkpoint, dict) else {}
    named = state.items() if isinstance(state, dict) else ()
    weights = {k: v for k, v in named if isinstance(k, str) and isinstance(v, torch.Tensor)}
    if not weights:
        raise UserError(f"{path} is a PyTorch file without weights")
    for name, value in weights.items():
        if value.layout != torch.strided or value.is_quantized or not value.isfinite().all():
            raise UserError(f"{path} has a weight that is sparse, quantised or not finite: {name}")
    return weights


def one_line(error: Exception) -> str:
    """Return the type of an exception and the first line of its message."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


class PoseModel:
    """A pose network of MMPose with its test pipeline, which is built once and not at every call.

    The weights are random until `load`.

    Args:
        config: its flip testing is turned off, because it would double the time.
        device: in PyTorch's notation, "cpu" or "cuda:0".

    Attributes:
        network: the pose network.
        pipeline: turns the items of `predict` into the network's input.
        half: compute in half precision where PyTorch considers it safe: float16 on a GPU, bfloat16
            on a CPU.

    Raises:
        UserError: MMPose cannot build the model, or the device is not available.
    """

    def __init__(self, config: Config, device: str = "cpu"):
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise UserError(f"device '{device}' cannot be used: {one_line(error)}") from error
        if config.get("model", {}).get("test_cfg"):
            config.model.test_cfg.flip_test = False
        try:
            with warnings.catch_warnings():
                # MMPose searches the working directory for its joint tables first, and warns.
                warnings.filterwarnings("ignore", message="The metainfo config file")
                self.network: BasePoseEstimator = init_model(config, device=device)
            # On a CPU, MoveNet takes 6 % (SinglePose) to 23 % (MultiPose) less time like this.
            self.network.to(memory_format=torch.channels_last)
            self.pipeline = Compose(config.test_dataloader.dataset.pipeline)
            self.half, self._kind = False, torch.device(device).type
        except UserError:
            raise
        except Exception as error:  # MMPose can fail in any way on a user's config
            raise UserError(f"MMPose cannot build this config: {one_line(error)}") from error

    def load(self, path: str | Path) -> None:
        """Read the weights from a checkpoint, which must have all weights of the network.

        Raises:
            UserError: as `load_checkpoint`, or a weight is missing or differs in shape.
        """
        state = load_checkpoint(path)
        try:
            missing = self.network.load_state_dict(state, strict=False).missing_keys
        except RuntimeError as error:
            raise UserError(f"{path} does not fit the config: weights differ in shape") from error
        if missing:
            raise UserError(
                f"{path} does not fit the config: {len(missing)} weights are missing, "
                f"the first is {missing[0]}"
            )

    @torch.inference_mode()
    def predict(self, items: Sequence[dict[str, Any]]) -> list[InstanceData]:
        """Run the model on a batch.

        Args:
            items: inputs of the test pipeline, one dictionary per image or crop, with the image
                uint8 [H, W, 3], BGR, as "img".

        Returns:
            MMPose's `pred_instances` of each item, in pixels of its image.
        """
        batch = [self.pipeline({**item, **self.network.dataset_meta}) for item in items]
        with torch.autocast(self._kind, enabled=self.half):
            samples = self.network.test_step(pseudo_collate(batch))
        return [sample.pred_instances for sample in samples]


class Topdown(PoseModel):
    """A top-down COCO-17 pose model of MMPose, for crops of single people.

    The weights are random until `load`.

    Args:
        config: path of an MMEngine config. It is Python code and is run.
        device: in PyTorch's notation.

    Attributes:
        threshold: lowest keypoint score of a visible joint.

    Raises:
        UserError: the config is missing or unusable, not COCO-17, or not top-down.
    """

    def __init__(self, config: str | Path, device: str = "cpu"):
        settings = load_config(config)
        super().__init__(settings, device)
        self.threshold = float(settings.get("keypoint_threshold", DEFAULT_THRESHOLD))
        if not isinstance(self.network, TopdownPoseEstimator):
            raise UserError(f"{config} is not a top-down pose model: choose one that takes boxes")
        names = self.network.dataset_meta["keypoint_id2name"]
        if tuple(names[i].replace("_", " ") for i in sorted(names)) != JOINTS:
            raise UserError(f"{config} does not give the 17 COCO keypoints: choose a COCO model")

    def __call__(self, image: np.ndarray, boxes: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Estimate the keypoints of people, all in one batch.

        Args:
            image: uint8 [H, W, 3], BGR.
            boxes: float32 [P, 4], x1, y1, x2, y2 in pixels, P > 0.
            turns: float32 [P], of the boxes about their middles, clockwise in radians.

        Returns:
            float32 [P, 17, 3], x and y in pixels and score.
        """
        score = np.ones(1, np.float32)
        items = [
            dict(img=image, bbox=box[None], bbox_score=score, bbox_rotation=np.degrees([turn]))
            for box, turn in zip(boxes, turns, strict=True)
        ]
        people = self.predict(items)
        points = np.concatenate([person.keypoints for person in people])
        # MMPose turns the crop, and maps its joints back as if it had not.
        for person, box, turn in zip(points, boxes, turns, strict=True):
            if turn:
                center = (box[:2] + box[2:]) / 2
                person[:] = rotate(person - center, turn) + center
        scores = np.concatenate([person.keypoint_scores for person in people])
        return np.dstack((points, scores)).astype(np.float32)


class Bottomup(PoseModel):
    """The bundled MultiPose, which finds all people in an image.

    Args:
        name: of the bundled config and checkpoint.
        device: in PyTorch's notation.
        threshold: lowest score of a person. If None, use the config's.

    Raises:
        UserError: the device is not available, or the bundled files are damaged.
    """

    def __init__(self, name: str, device: str = "cpu", threshold: float | None = None):
        settings = load_config(CONFIGS / f"{name}.py")
        if threshold is not None:
            settings.model.test_cfg.score_thr = threshold
        super().__init__(settings, device)
        self.load(WEIGHTS / f"{name}.pth")

    def __call__(self, image: np.ndarray, long_side: int) -> tuple[np.ndarray, np.ndarray]:
        """Find all people in an image.

        Args:
            image: uint8 [H, W, 3], BGR.
            long_side: longer side of the network's input, in pixels.

        Returns:
            Boxes float32 [P, 5], x1, y1, x2, y2 in pixels and score, and keypoints float32
            [P, 17, 3], x and y in pixels and score.
        """
        (people,) = self.predict([dict(img=image, long_side=long_side)])
        return (
            np.column_stack((people.bboxes, people.bbox_scores)).astype(np.float32),
            np.dstack((people.keypoints, people.keypoint_scores)).astype(np.float32),
        )
