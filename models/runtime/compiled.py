"""The networks of the live path as ONNX graphs, with the interfaces of the PyTorch ones."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from models.action.header import check_answers
from models.action.label import Label
from models.errors import UserError
from models.files import CONFIGS, ROOT, WEIGHTS
from models.pose.crops import crop_person, fit_long_side
from models.runtime.beside import read_beside
from models.runtime.exporter import export_apart
from models.runtime.graphs import Graph, exported


class CompiledTopdown:
    """A bundled single-person network, in place of `models.pose.estimators.Topdown`.

    Each thread handles one person at a time. Sharing every layer of a batch between threads takes a
    tenth longer, and more if other stages need the CPU. People left over, fewer than there are
    threads, are handled one by one with shared layers.

    Args:
        name: of the bundled config and checkpoint.
        device: "cpu", "cuda" or "cuda:1".
        threads: CPU threads. If None, two, or one on a single core.

    Attributes:
        threshold: lowest keypoint score of a visible joint.
        padding: size of a crop relative to the box.
        size: width and height of the network's input, in pixels.

    Raises:
        UserError: ONNX Runtime cannot use the device.
    """

    def __init__(self, name: str, device: str = "cpu", threads: int | None = None):
        self._threads = threads or min(2, os.cpu_count() or 1)
        self._graph = _movenet(name, device, threads=1)
        self._shared = _movenet(name, device, self._threads)
        self._workers = ThreadPoolExecutor(self._threads)
        self.threshold: float = self._graph.settings["threshold"]
        self.padding: float = self._graph.settings["padding"]
        self.size: tuple[int, int] = tuple(self._graph.settings["size"])

    def __call__(self, image: np.ndarray, boxes: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Estimate the keypoints of people.

        Args:
            image: uint8 [H, W, 3], BGR.
            boxes: float32 [P, 4], x1, y1, x2, y2 in pixels, P > 0.
            turns: float32 [P], of the boxes about their middles, clockwise in radians.

        Returns:
            float32 [P, 17, 3], x and y in pixels and score.
        """
        even = len(boxes) - len(boxes) % self._threads
        alone = partial(self._estimate, self._graph, image)
        people = self._workers.map(alone, boxes[:even], turns[:even])
        rest = map(partial(self._estimate, self._shared, image), boxes[even:], turns[even:])
        return np.stack([*people, *rest])

    def _estimate(
        self, graph: Graph, image: np.ndarray, box: np.ndarray, turn: float
    ) -> np.ndarray:
        """Keypoints float32 [17, 3] of the person in a box float32 [4]."""
        crop = crop_person(image, box, self.padding, self.size, turn)
        (points,), (scores,) = graph(crop.image[None])
        return np.column_stack((crop.to_image(points), scores)).astype(np.float32)


class CompiledBottomup:
    """The bundled MultiPose, in place of `models.pose.estimators.Bottomup`.

    Args:
        name: of the bundled config and checkpoint.
        device: "cpu", "cuda" or "cuda:1".
        threshold: lowest score of a person. If None, use the config's.
        threads: CPU threads per call. If None, two, or one on a single core.

    Raises:
        UserError: ONNX Runtime cannot use the device.
    """

    def __init__(
        self,
        name: str,
        device: str = "cpu",
        threshold: float | None = None,
        threads: int | None = None,
    ):
        self._graph = _movenet(name, device, threads)
        self.threshold: float = (
            self._graph.settings["threshold"] if threshold is None else threshold
        )

    def __call__(self, image: np.ndarray, long_side: int) -> tuple[np.ndarray, np.ndarray]:
        """Find all people in an image.

        Args:
            image: uint8 [H, W, 3], BGR.
            long_side: longer side of the network's input, in pixels.

        Returns:
            Boxes float32 [P, 5], x1, y1, x2, y2 in pixels and score, and keypoints float32
            [P, 17, 3], x and y in pixels and score.
        """
        crop = fit_long_side(image, long_side)
        threshold = np.array(self.threshold, np.float32)
        found = self._graph(crop.image[None], threshold)
        points, scores, boxes, box_scores = (values[0] for values in found)
        kept = box_scores >= self.threshold
        corners = crop.to_image(boxes[kept].reshape(-1, 2, 2)).reshape(-1, 4)
        return (
            np.column_stack((corners, box_scores[kept])).astype(np.float32),
            np.dstack((crop.to_image(points[kept]), scores[kept])).astype(np.float32),
        )


class CompiledSTRL:
    """STRL for inference, in place of `models.action.strl.STRL`.

    Args:
        checkpoint: path of an STRL checkpoint.
        device: "cpu", "cuda" or "cuda:1".
        threads: CPU threads per call. If None, two, or one on a single core.

    Attributes:
        labels: the vocabulary, in the order of the probabilities.
        thresholds: {1: float, 2: float}, the probability below which no label should be shown, for
            windows of one person and of two.

    Raises:
        UserError: the checkpoint or its graph cannot be read, there is no graph of it and no
            PyTorch to make one, or ONNX Runtime cannot use the device.
    """

    def __init__(self, checkpoint: Path | str, device: str = "cpu", threads: int | None = None):
        export = partial(export_apart, "strl", checkpoint)
        model = read_beside(checkpoint) or exported([checkpoint, *graph_code()], export)
        self._take(Graph(model, device, threads), str(checkpoint))

    @classmethod
    def from_graph(cls, model: bytes, threads: int | None = None) -> "CompiledSTRL":
        """Run a graph of `models.runtime.export.export_strl`, which the cache does not keep.

        Args:
            model: content of its ONNX file.
            threads: as above.
        """
        made = cls.__new__(cls)
        made._take(Graph(model, threads=threads), "taught weights")
        return made

    def _take(self, graph: Graph, name: str) -> None:
        self._graph = graph
        try:
            answers = check_answers(graph.settings)
        except ValueError as error:
            raise UserError(f"cannot read the graph of {name}: {error}") from error
        self.labels = [Label(**label) for label in answers["labels"]]
        self.thresholds: dict[int, float] = {
            int(people): value for people, value in answers["thresholds"].items()
        }

    def answer(self, windows: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Classify windows.

        Args:
            windows: float32 [B, 2, 64, 17, 2] in torso lengths, B > 0.
            present: bool [B, 2, 64, 17].

        Returns:
            Calibrated probabilities, float32 [B, labels + 1], the last one for "none of these".
        """
        return self._graph(windows, present)[0]


def graph_code() -> list[Path]:
    """Return the source files that can change an exported graph: all that the exporter may import.

    Whole packages are listed, not single files, so that a new file cannot be forgotten. An edit
    that leaves the graph as it was costs one more export.
    """
    models = ROOT / "models"
    packages = (models / name for name in ("action", "pose", "runtime"))
    nested = (file for package in packages for file in package.rglob("*.py"))
    return sorted([*models.glob("*.py"), *nested])


def _movenet(name: str, device: str, threads: int | None = None) -> Graph:
    """Compile the bundled MoveNet of a name."""
    config, checkpoint = CONFIGS / f"{name}.py", WEIGHTS / f"{name}.pth"
    export = partial(export_apart, "pose", config, checkpoint)
    # One config builds on others, so all of them count.
    files = [checkpoint, config, *sorted(CONFIGS.rglob("*.py")), *graph_code()]
    return Graph(read_beside(checkpoint) or exported(files, export), device, threads)
