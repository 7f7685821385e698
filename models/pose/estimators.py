"""An MMPose model with its own test pipeline, loaded so that only its config can run code."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.logging import HistoryBuffer
from mmpose.apis import init_model
from mmpose.models.pose_estimators import TopdownPoseEstimator

from models.errors import UserError
from models.files import CONFIGS, WEIGHTS
from models.skeleton import JOINTS

SIMCC_THRESHOLD = 0.3
"""MMPose's own `kpt_thr`, for models whose config says nothing of ours."""


def _nothing(*_):
    """Stands in for `getattr`, which a training log in a checkpoint asks for and weights do not."""


# What MMEngine writes into a checkpoint beside tensors: the joints' tables, and the training log.
SAFE = [
    np.ndarray,
    np.dtype,
    np.core.multiarray._reconstruct,
    np.core.multiarray.scalar,
    *(type(np.dtype(kind)) for kind in "?bBhHiIlLqQefd"),
    HistoryBuffer,
    (_nothing, "builtins.getattr"),
]


def load_config(path):
    """Reads an MMEngine config, which is Python and is run.

    Raises:
        UserError: the file is missing, or fails as a config.
    """
    if not Path(path).is_file():
        raise UserError(f"no such config: {path}")
    try:
        return Config.fromfile(path)
    except Exception as error:  # a config is a program: it may fail in any way
        raise UserError(f"{path} is not a usable MMEngine config: {one_line(error)}") from error


def load_checkpoint(path):
    """Reads a checkpoint's state dict, refusing any that would run code.

    Raises:
        UserError: the file is missing or broken, or holds more than tensors and plain values, or no
            weights.
    """
    if not Path(path).is_file():
        raise UserError(f"no such checkpoint: {path}")
    try:
        with torch.serialization.safe_globals(SAFE):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} is refused: it is no checkpoint of tensors and plain values alone, "
            "and reading anything else could run code"
        ) from error
    except Exception as error:  # torch.load documents no errors of its own for broken files
        raise UserError(f"{path} is not a PyTorch checkpoint: {one_line(error)}") from error
    state = checkpoint.get("state_dict", checkpoint) if isinstance(checkpoint, dict) else {}
    if not any(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(f"{path} is a PyTorch file without weights")
    return state


def one_line(error):
    """The error's type and the first line of its message."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


class PoseModel:
    """Pictures in, MMPose's predictions out; the pipeline is built once, not at every call.

    Args:
        config: a `Config`; flip testing is turned off in it, which would double the time.
        device: as PyTorch names it, "cpu" or "cuda:0".

    Attributes:
        network: MMPose's pose estimator, its weights random until `load`.
        half: compute in half precision where PyTorch finds it safe (float16 on a GPU).

    Raises:
        UserError: MMPose cannot build the model, or the device is not there.
    """

    def __init__(self, config, device="cpu"):
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise UserError(f"device '{device}' cannot be used: {one_line(error)}") from error
        if config.get("model", {}).get("test_cfg"):
            config.model.test_cfg.flip_test = False
        try:
            with warnings.catch_warnings():
                # MMPose looks for its joint tables in the working directory first, and says so.
                warnings.filterwarnings("ignore", message="The metainfo config file")
                self.network = init_model(config, device=device)
            # MoveNet takes 6 % (SinglePose) to 23 % (MultiPose) less time on a CPU in this layout.
            self.network.to(memory_format=torch.channels_last)
            self.pipeline = Compose(config.test_dataloader.dataset.pipeline)
            self.half, self._kind = False, torch.device(device).type
        except UserError:
            raise
        except Exception as error:  # whatever a config of the user's asks MMPose to build
            raise UserError(f"MMPose cannot build this config: {one_line(error)}") from error

    def load(self, path):
        """Reads the weights from a checkpoint; all that the network has must be there.

        Raises:
            UserError: as `load_checkpoint`, or a weight is missing or has another shape.
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
    def predict(self, items):
        """Runs the model on a batch.

        Args:
            items: what the test pipeline takes, one dictionary a picture or crop ("img" and so on).

        Returns:
            MMPose's `pred_instances`, one `InstanceData` an item, in pixels of the picture.
        """
        batch = [self.pipeline({**item, **self.network.dataset_meta}) for item in items]
        with torch.autocast(self._kind, enabled=self.half):
            samples = self.network.test_step(pseudo_collate(batch))
        return [sample.pred_instances for sample in samples]


class Topdown(PoseModel):
    """A top-down COCO-17 model of MMPose, one person a crop; its weights random until `load`.

    Args:
        config: path of an MMEngine config. It is Python and is run.
        device: as PyTorch names it.

    Attributes:
        threshold: the keypoint score from which this model's joints count as seen.

    Raises:
        UserError: no such config, not COCO-17, or not top-down.
    """

    def __init__(self, config, device="cpu"):
        settings = load_config(config)
        super().__init__(settings, device)
        self.threshold = float(settings.get("keypoint_threshold", SIMCC_THRESHOLD))
        if not isinstance(self.network, TopdownPoseEstimator):
            raise UserError(f"{config} is no top-down pose model: choose one that takes boxes")
        names = self.network.dataset_meta["keypoint_id2name"]
        if tuple(names[i].replace("_", " ") for i in sorted(names)) != JOINTS:
            raise UserError(f"{config} does not give the 17 COCO keypoints: choose a COCO model")

    def __call__(self, image, boxes):
        """Keypoints float32 [P, 17, 3] of the people in boxes float32 [P, 4], in one batch."""
        score = np.ones(1, np.float32)
        people = self.predict([dict(img=image, bbox=b[None], bbox_score=score) for b in boxes])
        places = np.concatenate([person.keypoints for person in people])
        scores = np.concatenate([person.keypoint_scores for person in people])
        return np.dstack((places, scores)).astype(np.float32)


class Bottomup(PoseModel):
    """The bundled MultiPose: everyone in a picture.

    Args:
        name: of the bundled config and checkpoint.
        device: as PyTorch names it.
        threshold: least score of a person; the config's if None.
    """

    def __init__(self, name, device="cpu", threshold=None):
        settings = load_config(CONFIGS / f"{name}.py")
        if threshold is not None:
            settings.model.test_cfg.score_thr = threshold
        super().__init__(settings, device)
        self.load(WEIGHTS / f"{name}.pth")

    def __call__(self, image, long_side):
        """Boxes float32 [P, 5] and keypoints float32 [P, 17, 3] of everyone in the picture."""
        (people,) = self.predict([dict(img=image, long_side=long_side)])
        return (
            np.column_stack((people.bboxes, people.bbox_scores)).astype(np.float32),
            np.dstack((people.keypoints, people.keypoint_scores)).astype(np.float32),
        )
