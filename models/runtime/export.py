"""Export PyTorch networks as ONNX graphs, with normalisation and decoding in them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import onnx
import torch
from torch import Tensor, nn

from models.action.layers import Layer
from models.action.strl import STRL
from models.errors import UserError
from models.files import CONFIGS
from models.part import write_whole
from models.runtime.beside import place, source
from models.runtime.half import halve

if TYPE_CHECKING:
    from mmpose.models.pose_estimators.base import BasePoseEstimator

OPSET = 17

BOTTOMUP_EXAMPLE = (512, 256)
"""Width and height of the example image for networks that take any size."""


class PoseFromImages(nn.Module):
    """A MoveNet from images to people, with MMPose's normalisation before and decoding after it.

    MMPose turns BGR into RGB. Here the first convolution takes BGR instead, at no cost in time.

    Args:
        network: a MoveNet with a `MoveNetHead` or `MoveNetMultiHead`. Its first convolution is
            changed.
    """

    def __init__(self, network: BasePoseEstimator):
        super().__init__()
        self.network = network
        weight = network.backbone.stem.weight
        weight.data = weight.data.flip(1)
        self.mean: Tensor = network.data_preprocessor.mean.flip(0)
        self.std: Tensor = network.data_preprocessor.std.flip(0)

    def forward(self, images: Tensor, *threshold: Tensor) -> tuple[Tensor, ...]:
        """Estimate poses.

        Args:
            images: uint8 [B, H, W, 3], BGR.
            threshold: lowest score of a person, a scalar, for a `MoveNetMultiHead` only.

        Returns:
            What `decode_one` returns, or `decode_many` for a `MoveNetMultiHead`.
        """
        x = (images.permute(0, 3, 1, 2).float() - self.mean) / self.std
        return self.network.head.decode(self.network.extract_feat(x), *threshold)


class ProbabilitiesFromWindows(nn.Module):
    """STRL from windows to calibrated probabilities."""

    def __init__(self, network: STRL):
        super().__init__()
        self.network = network

    def forward(self, window: Tensor, present: Tensor) -> Tensor:
        """Windows [B, 2, 64, 17, 2] and bool [B, 2, 64, 17] to probabilities [B, labels + 1]."""
        return self.network.probabilities(self.network(window, present))


def export_pose(config: Path, checkpoint: Path) -> bytes:
    """Export a MoveNet, from uint8 images to keypoints in pixels of the input.

    The settings stored with the graph are "threshold", and for a top-down network "padding" and
    "size", as in the config.

    Args:
        config: path of an MMEngine config. It is Python code and is run.
        checkpoint: path of the weights.

    Returns:
        The content of an ONNX file.

    Raises:
        UserError: the config or the checkpoint is missing or unusable.
    """
    from models.pose.estimators import PoseModel, load_config  # seconds, which STRL does not need

    settings = load_config(config)
    model = PoseModel(settings, "cpu")
    model.load(checkpoint)
    size = next((t.input_size for t in model.pipeline.transforms if hasattr(t, "input_size")), None)
    network = PoseFromImages(model.network)
    if size is None:
        return _export(
            network,
            {"images": _image(BOTTOMUP_EXAMPLE), "threshold": torch.tensor(0.0)},
            ["keypoints", "scores", "boxes", "box_scores"],
            {"images": {0: "images", 1: "height", 2: "width"}, "threshold": {}},
            {"threshold": settings.model.test_cfg.score_thr},
        )
    return _export(
        network,
        {"images": _image(size)},
        ["keypoints", "scores"],
        {"images": {0: "images"}},
        {"threshold": settings.keypoint_threshold, "padding": settings.padding, "size": size},
    )


def export_strl(checkpoint: Path | str) -> bytes:
    """Export STRL, from windows to calibrated probabilities.

    The settings stored with the graph are "labels" and "thresholds".

    Args:
        checkpoint: path of an STRL checkpoint.

    Returns:
        The content of an ONNX file.

    Raises:
        UserError: as `STRL.load`.
    """
    network = STRL.load(checkpoint)
    for layer in network.layers:
        assert isinstance(layer, Layer)
        layer.merge()
    window, present = torch.randn(3, 2, 64, 17, 2), torch.ones(3, 2, 64, 17, dtype=torch.bool)
    present[1, 1] = False
    return _export(
        ProbabilitiesFromWindows(network),
        {"window": window, "present": present},
        ["probabilities"],
        {"window": {0: "windows"}, "present": {0: "windows"}},
        {"labels": [vars(label) for label in network.labels], "thresholds": network.thresholds},
    )


def write_beside(weights: Path) -> Path:
    """Write a graph beside its weights, in half precision.

    It holds the SHA-256 of the weights as its setting "source".

    Args:
        weights: an STRL checkpoint, or the bundled weights of a MoveNet.

    Returns:
        The path of the graph.

    Raises:
        UserError: a file cannot be read or written, or has no network that can be exported.
    """
    if weights.suffix == ".safetensors":
        content = export_strl(weights)
    elif weights.suffix == ".pth":
        content = export_pose(CONFIGS / f"{weights.stem}.py", weights)
    else:
        raise UserError(f"cannot export {weights}: name a .safetensors file")
    model = onnx.load_from_string(content)
    halve(model)
    _store(model, {"source": source(weights)})
    write_whole(place(weights), model.SerializeToString())
    return place(weights)


def _image(size: tuple[int, int]) -> Tensor:
    """A black image uint8 [1, H, W, 3] of a width and height."""
    width, height = size
    return torch.zeros(1, height, width, 3, dtype=torch.uint8)


@torch.no_grad()
def _export(
    module: nn.Module,
    inputs: dict[str, Tensor],
    outputs: list[str],
    axes: dict[str, dict[int, str]],
    settings: dict[str, Any],
) -> bytes:
    """Trace a module and return it as the content of an ONNX file.

    Args:
        module: put into evaluation mode.
        inputs: example inputs by name, in the order of the module's arguments.
        outputs: names.
        axes: names of the axes of any size, for each input. The first axis of the first input is
            the batch, which all outputs have.
        settings: JSON values by name, stored with the graph.
    """
    batch = {0: axes[next(iter(inputs))][0]}
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        # This exporter is deprecated. Its successor needs another package, and makes graphs of
        # fixed sizes of these modules.
        warnings.simplefilter("ignore")
        path = Path(folder, "graph.onnx")
        torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes={**axes, **{name: batch for name in outputs}},
        )
        model = onnx.load(path)
    _pad_in_convolutions(model.graph)
    _store(model, settings)
    return model.SerializeToString()


def _store(model: onnx.ModelProto, settings: dict[str, Any]) -> None:
    """Add settings, JSON values by name, to those that are stored with a graph."""
    for name, value in settings.items():
        model.metadata_props.add(key=name, value=json.dumps(value))


def _pad_in_convolutions(graph: onnx.GraphProto) -> None:
    """Move the padding of `SameConv` into its convolutions.

    Convolutions in PyTorch cannot pad asymmetrically, those in ONNX can. Around a separate padding,
    ONNX Runtime changes the memory layout of the features twice, which took a fifth of the time.
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
