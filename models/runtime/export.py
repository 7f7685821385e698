"""PyTorch modules to ONNX graphs, decoding and normalisation included."""

import io
import json
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from models.action.strl import STRL
from models.pose.estimators import PoseModel, load_config
from models.pose.movenet import decode_many, decode_one

OPSET = 17


class Pictures(nn.Module):
    """A MoveNet with what MMPose does before and after it: uint8 [B, H, W, 3], BGR, to people.

    MMPose turns BGR into RGB; here the first convolution takes BGR, which costs no time.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        weight = network.backbone.stem.weight
        weight.data = weight.data.flip(1)
        self.mean, self.std = (
            values.flip(0)
            for values in (network.data_preprocessor.mean, network.data_preprocessor.std)
        )

    def forward(self, pictures: Tensor, threshold: Tensor | None = None) -> tuple[Tensor, ...]:
        """What `decode_one`, or with a threshold `decode_many`, gives, in pixels of the input."""
        x = (pictures.permute(0, 3, 1, 2).float() - self.mean) / self.std
        maps = self.network.head(self.network.extract_feat(x))
        if threshold is None:
            return decode_one(*maps)
        return decode_many(*maps, self.network.head.people, threshold)


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
    inputs = (example, torch.tensor(0.0)) if many else (example,)
    names = ["keypoints", "scores", *(["boxes", "box_scores"] if many else [])]
    dynamic = {"pictures": axes, **{name: {0: "pictures"} for name in names}}
    return _export(
        Pictures(model.network),
        inputs,
        ["pictures", "threshold"][: len(inputs)],
        names,
        dynamic,
        notes,
    )


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
    _pad_in_convolutions(model.graph)
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in notes.items()})
    return model.SerializeToString()


def _pad_in_convolutions(graph: onnx.GraphProto) -> None:
    """Let the convolutions of `SameConv` pad for themselves.

    PyTorch has no asymmetric padding in convolutions, ONNX has. For a padding by itself, ONNX
    Runtime lays the features out anew before and after, which took a fifth of the network's time.
    """
    pads = {node.output[0]: node for node in graph.node if node.op_type == "Pad"}
    for conv in graph.node:
        if conv.op_type == "Conv" and conv.input[0] in pads:
            conv.input[0] = pads[conv.input[0]].input[0]
            (old,) = (value for value in conv.attribute if value.name == "pads")
            old.CopyFrom(onnx.helper.make_attribute("pads", [0, 0, 1, 1]))
    for pad in pads.values():
        if not any(pad.output[0] in node.input for node in graph.node):
            graph.node.remove(pad)
