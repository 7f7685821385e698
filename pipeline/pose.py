"""Pose estimation: any COCO-17 top-down model of MMPose, on crops of people."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from models.errors import UserError
from models.files import CONFIGS, WEIGHTS
from models.runtime.compiled import CompiledTopdown
from models.runtime.graphs import choose_runtime
from models.skeleton import JOINTS

BUNDLED = {"movenet-lightning": "movenet_lightning", "movenet-thunder": "movenet_thunder"}
"""Config and checkpoint of each bundled model."""
RTMPOSE = {
    f"rtmpose-{size}": f"rtmpose-{size}_8xb256-420e_body8-256x192" for size in ("t", "s", "m", "l")
}
"""MMPose 1.3.2 has no alias for most sizes of RTMPose; these are their names in its index."""

POSE_MODELS = (*BUNDLED, *RTMPOSE)
"""Names for `--pose`. Any other alias or name in MMPose's model index is accepted as well."""


class PoseNetwork(Protocol):
    """A top-down pose network, run by MMPose or ONNX Runtime.

    Attributes:
        threshold: score from which its joints count as visible.
    """

    threshold: float

    def __call__(self, image: np.ndarray, boxes: np.ndarray, turns: np.ndarray, /) -> np.ndarray:
        """Keypoints float32 [P, 17, 3] of the people in boxes float32 [P, 4], turned; P > 0."""


class PoseEstimator:
    """A top-down pose model of MMPose.

    Args:
        model: "movenet-lightning" or "movenet-thunder" (bundled), or an alias or name in MMPose's
            model index, whose weights are downloaded from OpenMMLab into PyTorch's hub folder.
        config: path of an MMEngine config to use instead of `model`. It is Python code and is run.
        checkpoint: path of the weights for `config`, read with `weights_only=True`.
        device: as PyTorch names it.
        runtime: "onnx" for bundled models compiled by ONNX Runtime, "torch" for MMPose itself; the
            faster one available if None.
        threads: CPU threads of ONNX Runtime; two if None.

    Attributes:
        threshold: score from which this model's joints count as visible.

    Raises:
        UserError: the model is unknown, files are missing or do not fit, the download fails, or the
            model is not top-down or not COCO-17.

    Example:
        >>> pose = PoseEstimator("movenet-thunder")
        >>> keypoints = pose(image, boxes)  # float32 [P, 17, 3]: x, y in pixels and score in 0..1
    """

    def __init__(
        self,
        model: str = "movenet-lightning",
        config: Path | str | None = None,
        checkpoint: Path | str | None = None,
        device: str = "cpu",
        runtime: str | None = None,
        threads: int | None = None,
    ):
        if (config is None) != (checkpoint is None):
            raise UserError("a pose config needs its checkpoint, and a pose checkpoint its config")
        compiled = config is None and model in BUNDLED
        if runtime == "onnx" and not compiled:
            raise UserError(f"only {' and '.join(BUNDLED)} run on onnx: leave --runtime out")
        if compiled and choose_runtime(runtime, device) == "onnx":
            self.model: PoseNetwork = CompiledTopdown(BUNDLED[model], device, threads)
        else:
            # Imported here: it takes seconds and 600 MB, which the compiled network saves.
            from models.pose.estimators import Topdown

            if config is None:
                config, checkpoint = find_model(model)
            network = Topdown(config, device)
            network.load(download(str(checkpoint)))
            self.model = network
        self.threshold = self.model.threshold

    def __call__(
        self, image: np.ndarray, boxes: np.ndarray, turns: np.ndarray | None = None
    ) -> np.ndarray:
        """Estimate the poses of the people in the boxes, in one batch.

        A joint outside the picture cannot be seen: networks guess it, at times with a high score.
        Its score is 0.

        Args:
            image: uint8 [H, W, 3], BGR.
            boxes: float [P, >= 4], x1, y1, x2, y2 in pixels; further columns are ignored.
            turns: float [P], clockwise in radians: how far each box is turned about its middle, so
                that a person who leans or lies is upright in it. Boxes are not turned if None.

        Returns:
            float32 [P, 17, 3]: x, y in pixels and score in 0..1; P may be 0.
        """
        if not len(boxes):
            return np.zeros((0, len(JOINTS), 3), np.float32)
        boxes = np.asarray(boxes, np.float32)[:, :4]
        turns = np.zeros(len(boxes)) if turns is None else turns
        keypoints = self.model(image, boxes, np.asarray(turns, np.float32))
        points, size = keypoints[..., :2], image.shape[1::-1]
        outside = ((points < 0) | (points > np.subtract(size, 1))).any(-1)
        keypoints[..., 2] = np.where(outside, 0, keypoints[..., 2].clip(0, 1))
        return keypoints


def find_model(name: str) -> tuple[Path, Path | str]:
    """Find a model by name.

    Returns:
        The path of its config, and the path or URL of its checkpoint.

    Raises:
        UserError: MMPose does not know the name.
    """
    if name in BUNDLED:
        return CONFIGS / f"{BUNDLED[name]}.py", WEIGHTS / f"{BUNDLED[name]}.pth"
    entry = find_entry(RTMPOSE.get(name, name))
    if entry is None:
        raise UserError(
            f"unknown pose model '{name}': choose {', '.join(POSE_MODELS)}, or one of MMPose's"
        )
    return model_index() / entry["Config"], np.atleast_1d(entry["Weights"])[0]


def model_index() -> Path:
    """The folder of MMPose's package that holds its configs and their index."""
    spec = find_spec("mmpose")
    assert spec is not None and spec.origin is not None  # it is in requirements.in
    return Path(spec.origin).parent / ".mim"


def find_entry(name: str) -> dict[str, Any] | None:
    """The entry in MMPose's model index with this name or alias, or None."""
    from mmengine.fileio import load  # MMPose's, which bundled models do without

    for metafile in load(model_index() / "model-index.yml")["Import"]:
        for entry in load(model_index() / metafile)["Models"]:
            if name in (entry["Name"], *np.atleast_1d(entry.get("Alias", []))):
                return dict(entry)
    return None


def download(checkpoint: str) -> Path:
    """Download a checkpoint into PyTorch's hub folder if it is a URL, unless it is there already.

    Returns:
        The path of the file.

    Raises:
        UserError: the download fails.
    """
    if not checkpoint.startswith(("http://", "https://")):
        return Path(checkpoint)
    import torch  # takes a second, which bundled models save

    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(checkpoint).name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(checkpoint, str(path))
        except OSError as error:  # URLError is one
            raise UserError(
                f"cannot fetch {checkpoint} ({error}): use a bundled model, or put it at {path}"
            ) from error
    return path
