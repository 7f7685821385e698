"""Records what MoveNet's original graphs give, as the fixture of tests/models/pose/test_movenet.py.

    python weights/reference_movenet.py human-models/models FOLDER_WITH_TFJS tests/data/movenet

Every picture MODEL_LABEL.jpg of the last folder is one case, its size the network's input. Their
outputs, and every fourth cell each way of the heads' maps, go to reference.npz beside them.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np

SCRIPT = Path(__file__).resolve().with_suffix(".mjs")
SPARSE = 4  # keeps the file small; a map that is wrong anywhere is wrong at one cell in sixteen too


def run_original(graph, picture, node_folder):
    """Output and head maps of one graph on one picture.

    Args:
        graph: path of the original, without its ending.
        picture: uint8 [H, W, 3], RGB.
        node_folder: where npm installed @tensorflow/tfjs.

    Returns:
        float32 arrays by name: "output" [...], and the heads' [H / 4, W / 4, C] before the sigmoid.
    """
    height, width = picture.shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "picture")
        source.write_bytes(picture.tobytes())
        command = ["node", SCRIPT, graph.resolve(), height, width, source, Path(folder, "out")]
        subprocess.run([str(part) for part in command], cwd=node_folder, check=True)
        values = {
            file.suffix[1:]: np.fromfile(file, np.float32) for file in Path(folder).glob("out.*")
        }
    output = values.pop("output")
    maps = {name: value.reshape(height // 4, width // 4, -1) for name, value in values.items()}
    return {"output": output, **maps}


def main():
    """Reads the arguments and writes reference.npz."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("originals", type=Path, help="folder with movenet-*.json and movenet-*.bin")
    parser.add_argument("node_folder", type=Path, help="folder with node_modules/@tensorflow/tfjs")
    parser.add_argument("cases", type=Path, help="folder with the pictures")
    arguments = parser.parse_args()
    reference = {}
    for path in sorted(arguments.cases.glob("*.jpg")):
        graph = arguments.originals / f"movenet-{path.stem.split('_')[0]}"
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        for name, value in run_original(graph, picture, arguments.node_folder).items():
            kept = value if name == "output" else value[::SPARSE, ::SPARSE].astype(np.float16)
            reference[f"{path.stem}/{name}"] = kept
        print(path.name, picture.shape)
    np.savez_compressed(arguments.cases / "reference.npz", **reference)


if __name__ == "__main__":
    main()
