"""PyTorch modules to ONNX graphs, decoding and normalisation included."""

import io
import json
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from models.movenet import decode_many, decode_one
from models.pose_model import PoseModel, load_config
from models.strl import STRL

OPSET = 17


class Pictures(nn.Module):
    """A MoveNet with what MMPose does before and after it: uint8 [B, H, W, 3], BGR, to people."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """What `decode_one` or `decode_many` gives, in pixels of the input."""
        before = self.network.data_preprocessor
        x = pictures.flip(3).permute(0, 3, 1, 2).float()
        maps = self.network.head(self.network.extract_feat((x - before.mean) / before.std))
        people = getattr(self.network.head, "people", None)
        return decode_one(*maps) if people is None else decode_many(*maps, people=people)


class Windows(nn.Module):
    """STRL's calibrated probabilities."""

    def __init__(self, network: STRL):
        super().__init__()
        self.network = network

    def forward(self, window: Tensor, present: Tensor) -> Tensor:
        """[B, 2, 64, 17, 2] and bool [B, 2, 64, 17] to [B, labels + 1]."""
        return self.network.probabilities(self.network(window, present))


def export_pose(config: Path, checkpoint: Path) -> bytes:
    """A MoveNet as an ONNX file, uint8 pictures in; its settings are those of the config."""
    settings = load_config(config)
    model = PoseModel(settings, "cpu")
    model.load(checkpoint)
    size = next((t.input_size for t in model.pipeline.transforms if hasattr(t, "input_size")), None)
    many = size is None
    notes = (
        {"threshold": settings.model.test_cfg.score_thr}
        if many
        else {"threshold": settings.keypoint_threshold, "padding": settings.padding, "size": size}
    )
    axes = {0: "pictures", 1: "height", 2: "width"} if many else {0: "pictures"}
    example = torch.zeros(1, *(size or (256, 512))[::-1], 3, dtype=torch.uint8)
    names = ["keypoints", "scores", *(["boxes", "box_scores"] if many else [])]
    dynamic = {"pictures": axes, **{name: {0: "pictures"} for name in names}}
    return _export(Pictures(model.network), (example,), ["pictures"], names, dynamic, notes)


def export_strl(checkpoint: Path | str) -> bytes:
    """STRL as an ONNX file, windows in, probabilities out; its settings are labels and thresholds.

    Raises:
        UserError: as `STRL.load`.
    """
    network = STRL.load(checkpoint)
    notes = {
        "labels": [vars(label) for label in network.labels],
        "thresholds": network.thresholds,
    }
    window, present = torch.randn(3, 2, 64, 17, 2), torch.ones(3, 2, 64, 17, dtype=torch.bool)
    present[1, 1] = False
    dynamic = {name: {0: "windows"} for name in ("window", "present", "probabilities")}
    return _export(
        Windows(network),
        (window, present),
        ["window", "present"],
        ["probabilities"],
        dynamic,
        notes,
    )


@torch.no_grad()
def _export(module, example, inputs, outputs, dynamic, notes) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # This exporter is on its way out; its successor needs a further package, and makes
        # graphs of fixed sizes of these modules.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            buffer,
            dynamo=False,
            opset_version=OPSET,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=dynamic,
        )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in notes.items()})
    return model.SerializeToString()
