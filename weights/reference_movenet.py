"""Record the outputs of MoveNet's original graphs, for tests/models/pose/test_movenet.py.

    python weights/reference_movenet.py human-models/models FOLDER_WITH_TFJS tests/data/movenet

Every image MODEL_LABEL.jpg in the last folder is one case, in the size of the network's input. The
outputs, and every fourth row and column of the maps of the heads, are written to reference.npz
beside them.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np

SCRIPT = Path(__file__).resolve().with_suffix(".mjs")
SPARSE = 4
"""Keep every fourth row and column of a map: a small file, and an error in a map still shows."""


def run_original(graph: Path, image: np.ndarray, node_folder: Path) -> dict[str, np.ndarray]:
    """Run an original graph on an image.

    Args:
        graph: path of the original, without its suffix.
        image: uint8 [H, W, 3], RGB.
        node_folder: folder in which npm installed @tensorflow/tfjs.

    Returns:
        float32 arrays by name: "output" [...], and the map of each head [H / 4, W / 4, C], before
        the sigmoid.

    Raises:
        subprocess.CalledProcessError: Node.js failed.
    """
    height, width = image.shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "image")
        source.write_bytes(image.tobytes())
        command = ["node", SCRIPT, graph.resolve(), height, width, source, Path(folder, "out")]
        subprocess.run([str(part) for part in command], cwd=node_folder, check=True)
        values = {
            file.suffix[1:]: np.fromfile(file, np.float32) for file in Path(folder).glob("out.*")
        }
    output = values.pop("output")
    maps = {name: value.reshape(height // 4, width // 4, -1) for name, value in values.items()}
    return {"output": output, **maps}


def main() -> None:
    """Run the graphs on the images, and write reference.npz."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("originals", type=Path, help="folder with movenet-*.json and movenet-*.bin")
    parser.add_argument("node_folder", type=Path, help="folder with node_modules/@tensorflow/tfjs")
    parser.add_argument("cases", type=Path, help="folder with the images")
    arguments = parser.parse_args()
    reference = {}
    for path in sorted(arguments.cases.glob("*.jpg")):
        graph = arguments.originals / f"movenet-{path.stem.split('_')[0]}"
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        for name, value in run_original(graph, image, arguments.node_folder).items():
            kept = value if name == "output" else value[::SPARSE, ::SPARSE].astype(np.float16)
            reference[f"{path.stem}/{name}"] = kept
        print(path.name, image.shape)
    np.savez_compressed(arguments.cases / "reference.npz", **reference)


if __name__ == "__main__":
    main()
