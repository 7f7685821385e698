"""The networks of the live path as graphs, each like its PyTorch counterpart from outside."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from models.action.label import Label
from models.files import CONFIGS, ROOT, WEIGHTS
from models.pose.crops import crop_person, fit_long_side
from models.runtime.graphs import Graph, exported


def _movenet(name: str, device: str, threads: int | None = None) -> Graph:
    config, checkpoint = CONFIGS / f"{name}.py", WEIGHTS / f"{name}.pth"

    def export() -> bytes:
        from models.runtime.export import export_pose

        return export_pose(config, checkpoint)

    # One config builds on others, so all of them count.
    files = [checkpoint, config, *sorted(CONFIGS.rglob("*.py")), *graph_code()]
    return Graph(exported(files, export), device, threads)


def graph_code() -> list[Path]:
    """Source files that can change an exported graph: all that the exporter may import.

    Whole packages are listed, not single files, so that a new file cannot be forgotten. An edit
    that leaves the graph as it was costs one more export.
    """
    models = ROOT / "models"
    packages = (models / name for name in ("action", "pose", "runtime"))
    nested = (file for package in packages for file in package.rglob("*.py"))
    return sorted([*models.glob("*.py"), *nested])


class CompiledTopdown:
    """A bundled single-person network; as `models.pose.estimators.Topdown`.

    Each person is one thread's work, as many at a time as there are threads: a batch whose every
    layer is shared out takes a tenth longer, and more when other stages want the processor too. The
    layers of those who are left over are shared out.
    """

    def __init__(self, name: str, device: str = "cpu", threads: int | None = None):
        self._threads = threads or min(2, os.cpu_count() or 1)
        self._graph = _movenet(name, device, threads=1)
        self._shared = _movenet(name, device, self._threads)
        self._workers = ThreadPoolExecutor(self._threads)
        self.threshold: float = self._graph.settings["threshold"]
        self.padding: float = self._graph.settings["padding"]
        self.size: tuple[int, int] = tuple(self._graph.settings["size"])

    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Keypoints float32 [P, 17, 3] of the people in boxes float32 [P, 4]."""
        even = len(boxes) - len(boxes) % self._threads
        people = self._workers.map(partial(self._person, self._graph, image), boxes[:even])
        rest = (self._person(self._shared, image, box) for box in boxes[even:])
        return np.stack([*people, *rest])

    def _person(self, graph: Graph, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Keypoints float32 [17, 3] of the person in a box float32 [4]."""
        crop = crop_person(image, box, self.padding, self.size)
        (points,), (scores,) = graph(crop.picture[None])
        return np.column_stack((crop.back(points), scores)).astype(np.float32)


class CompiledBottomup:
    """The bundled MultiPose; as `models.pose.estimators.Bottomup`."""

    def __init__(self, name: str, device: str = "cpu", threshold: float | None = None):
        self._graph = _movenet(name, device)
        self.threshold = self._graph.settings["threshold"] if threshold is None else threshold

    def __call__(self, image: np.ndarray, long_side: int) -> tuple[np.ndarray, np.ndarray]:
        """Boxes float32 [P, 5] and keypoints float32 [P, 17, 3] of everyone in the picture."""
        crop = fit_long_side(image, long_side)
        threshold = np.array(self.threshold, np.float32)
        found = self._graph(crop.picture[None], threshold)
        places, scores, boxes, box_scores = (values[0] for values in found)
        kept = box_scores >= self.threshold
        corners = crop.back(boxes[kept].reshape(-1, 2, 2)).reshape(-1, 4)
        return (
            np.column_stack((corners, box_scores[kept])).astype(np.float32),
            np.dstack((crop.back(places[kept]), scores[kept])).astype(np.float32),
        )


class CompiledSTRL:
    """STRL; what of `models.action.strl.STRL` the live path needs."""

    def __init__(self, checkpoint: Path | str, device: str = "cpu", threads: int | None = None):
        def export() -> bytes:
            from models.runtime.export import export_strl

            return export_strl(checkpoint)

        self._graph = Graph(exported([checkpoint, *graph_code()], export), device, threads)
        self.labels = [Label(**label) for label in self._graph.settings["labels"]]
        self.thresholds = {int(n): p for n, p in self._graph.settings["thresholds"].items()}

    def answer(self, windows: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Calibrated probabilities float32 [B, labels + 1]; arguments as `STRL.forward`."""
        return self._graph(windows, present)[0]
