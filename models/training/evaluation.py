"""How good the answers are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from models.action.label import NOTHING
from models.action.strl import STRL
from models.data.augment import Augmentation
from models.data.pyskl import Clip, labelled
from models.data.scene import Scene
from models.data.windows import clip_windows, live_windows
from models.errors import UserError

Windows = Sequence[tuple[np.ndarray, np.ndarray]]

MODES = {"clip": clip_windows, "window": live_windows}

STRESS = {
    "joint noise up to 0.1 torso": Augmentation(jitter=0.1),
    "slow noise up to 0.1 torso": Augmentation(sway=0.1),
    "a joint in five missing": Augmentation(dropout=0.2),
    "left and right exchanged at times": Augmentation(swaps=1.0),
    "cut by the frame": Augmentation(cut=1.0),
    "view rolled up to 20 degrees": Augmentation(roll=0.35),
    "view turned up to 45 degrees": Augmentation(turn=0.8),
    "0.7 to 1.4 times the speed": Augmentation(speed=0.4),
}
"""What the test bench does to the clips, one at a time."""

MOMENTS = (0.4, 0.6, 0.8, 1.0)
"""Parts of a clip after which the test bench ends its windows, in "window" mode."""


@dataclass
class Evaluation:
    """Figures as JSON can hold them, the labels, and the confusion matrix (rows: the truth)."""

    figures: dict
    labels: list[str]
    confusion: np.ndarray

    def text(self) -> str:
        """The figures and the confusion matrix, to print."""
        lines = [listing(self.figures)]
        width = max(len(label) for label in self.labels)
        lines += ["", "confusion (rows: the truth)"]
        for label, row in zip(self.labels, self.confusion, strict=True):
            lines.append(f"{label:{width}} " + " ".join(f"{count:3d}" for count in row))
        return "\n".join(lines)

    def draw(self, path: str | Path) -> None:
        """Write a picture of the confusion matrix.

        Raises:
            UserError: it cannot be written there.
        """
        from matplotlib.figure import Figure

        size = 2 + 0.3 * len(self.labels)
        figure = Figure(figsize=(size, size), layout="constrained")
        axes = figure.subplots()
        axes.imshow(
            self.confusion / self.confusion.sum(axis=1, keepdims=True).clip(1), cmap="Blues"
        )
        ticks = range(len(self.labels))
        axes.set_xticks(ticks, self.labels, rotation=90)
        axes.set_yticks(ticks, self.labels)
        axes.set(xlabel="answer", ylabel="truth", title=f"top-1 {self.figures['top-1']:.1%}")
        for row, column in np.argwhere(self.confusion):
            axes.text(column, row, self.confusion[row, column], ha="center", va="center", size=6)
        try:
            figure.savefig(path, dpi=150)
        except (OSError, ValueError) as error:
            raise UserError(f"cannot draw {path}: {error}") from error


def evaluate(model: STRL, clips: Sequence[Clip], mode: str, stress: bool = False) -> Evaluation:
    """Try a classifier on labelled clips.

    Args:
        model: the classifier, in eval mode.
        clips: with labels of the model's vocabulary.
        mode: "clip" or "window" (DESIGN: the literature's protocol, and what is seen live).
        stress: also measure top-1 under each of `STRESS`, and with windows that end at `MOMENTS`.

    Raises:
        UserError: a clip has a label that the model lacks, or there are no clips.
    """
    others = [clip for clip in clips if clip.label == NOTHING]
    clips = labelled(clips)
    target = targets(model, clips)
    logits = predict(model, MODES[mode](clips))
    figures = {"mode": mode, "clips": len(clips), **metrics(model, logits, target)}
    if others:
        said = answers(model, predict(model, MODES[mode](others))) >= 0
        figures["answers to clips without a label"] = float(said.float().mean())
    known = {value for pair in model.clips for value in pair}
    leaked = sum(clip.name in known or clip.fingerprint in known for clip in clips + others)
    if leaked:
        figures["NOT HELD OUT: clips seen in training"] = leaked
    if stress:
        for name, disturbance in STRESS.items():
            logits_ = predict(model, MODES[mode](disturb(clips, disturbance)))
            figures[f"top-1, {name}"] = _top(logits_, target)
        for moment in MOMENTS if mode == "window" else ():
            logits_ = predict(model, live_windows(clips, moment=moment))
            figures[f"top-1, window ends at {moment:.0%} of the clip"] = _top(logits_, target)
    count = len(model.labels)
    answer = logits[:, :-1].argmax(dim=1)
    confusion = torch.zeros(count, count, dtype=torch.long)
    confusion.index_put_((target, answer), torch.tensor(1), accumulate=True)
    used = sorted({*target.tolist(), *answer.tolist()})
    names = [model.labels[index].name for index in used]
    return Evaluation(figures, names, confusion[used][:, used].numpy())


@torch.no_grad()
def predict(model: Callable[[Tensor, Tensor], Tensor], windows: Windows, batch: int = 64) -> Tensor:
    """Output of a model for windows: of STRL, logits [N, labels + 1]."""
    outputs = []
    for start in range(0, len(windows), batch):
        joints, present = zip(*windows[start : start + batch], strict=True)
        inputs = (torch.from_numpy(np.stack(arrays)) for arrays in (joints, present))
        outputs.append(model(*inputs))
    return torch.cat(outputs)


def targets(model: STRL, clips: Sequence[Clip]) -> Tensor:
    """Index of each clip's label in the model's vocabulary, [N].

    Raises:
        UserError: a label is not in it, or there are no clips.
    """
    names = [label.name for label in model.labels]
    if missing := {clip.label for clip in clips} - set(names):
        raise UserError(f"the model has no label {', '.join(sorted(missing))}; map with --labels")
    if not clips:
        raise UserError("there is no clip to evaluate")
    return torch.tensor([names.index(clip.label) for clip in clips])


def metrics(model: STRL, logits: Tensor, target: Tensor) -> dict[str, float]:
    """Accuracy of the best label, whatever "none of these" scores; and accuracy with abstention.

    Calibration error is expected calibration error (Guo et al., ICML 2017, equation 3; 15 bins).
    Coverage is the part of the windows for which something is said.
    """
    probability = model.probabilities(logits)
    right = logits[:, :-1].argmax(dim=1) == target
    top5 = logits[:, :-1].topk(min(5, logits.shape[1] - 1)).indices == target[:, None]
    by_class = torch.stack([right[target == label].float().mean() for label in target.unique()])
    said = answers(model, logits) >= 0
    return {
        "top-1": float(right.float().mean()),
        "top-5": float(top5.any(dim=1).float().mean()),
        "mean class accuracy": float(by_class.mean()),
        "calibration error": calibration_error(probability[:, :-1].amax(dim=1), right),
        "coverage": float(said.float().mean()),
        "accuracy where it answers": float(right[said].float().mean()) if said.any() else 0.0,
    }


def answers(model: STRL, logits: Tensor) -> Tensor:
    """Label index [N] of what is said of each window; -1 where the model says nothing."""
    confidence, label = model.probabilities(logits).max(dim=1)
    needed = [model.thresholds[max(label.people, 1)] for label in model.labels]
    said = confidence >= torch.tensor([*needed, torch.inf])[label]
    return torch.where(said, label, -1)


def calibration_error(confidence: Tensor, right: Tensor, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over bins of equal width, weighted by size."""
    index = (confidence * bins).long().clamp(max=bins - 1)
    error = 0.0
    for bin_ in index.unique():
        inside = index == bin_
        gap = right[inside].float().mean() - confidence[inside].mean()
        error += float(gap.abs() * inside.float().mean())
    return error


def fit_temperature(logits: Tensor, target: Tensor) -> float:
    """The temperature of the softmax with the least cross-entropy (Guo et al., section 4.2)."""

    def loss(exponent: float) -> float:
        return float(torch.nn.functional.cross_entropy(logits / np.exp(exponent), target))

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 3), method="bounded").x))


def fit_threshold(model: STRL, logits: Tensor, target: Tensor, beta: float = 0.5) -> float:
    """The confidence from which what is said has the best F-score (van Rijsbergen, 1979).

    With a beta of 0.5 being right counts twice as much as missing nothing. The windows should hold
    as much of nothing as life does, and more.
    """
    confidence, label = model.probabilities(logits).max(dim=1)
    action = label < len(model.labels)
    confidence, right = confidence[action], (label == target)[action]
    confidence, order = confidence.sort(descending=True)
    found = right[order].cumsum(0)
    precision = found / torch.arange(1, len(found) + 1)
    recall = found / (target < len(model.labels)).sum()
    score = (1 + beta**2) * precision * recall / (beta**2 * precision + recall).clamp(min=1e-9)
    return float(confidence[score.argmax()])


def disturb(clips: Sequence[Clip], augmentation: Augmentation, seed: int = 0) -> list[Clip]:
    """The same clips as a worse camera and pose estimator would give them."""
    disturbed = []
    for clip in clips:
        rng = np.random.default_rng((seed, int(clip.fingerprint, 16)))
        scene = Scene.of(clip)
        people = augmentation.transform(scene.points, scene.fps, rng)
        people = augmentation.corrupt(people, scene.fps, rng)
        times = clip.times / augmentation.draw_speed(rng)
        disturbed.append(replace(clip, keypoints=people, times=times, unit=1.0))
    return disturbed


def _top(logits: Tensor, target: Tensor) -> float:
    return float((logits[:, :-1].argmax(dim=1) == target).float().mean())


def listing(figures: dict) -> str:
    """Figures, one a line."""
    values = {
        name: f"{value:.3f}" if isinstance(value, float) else value
        for name, value in figures.items()
    }
    return "\n".join(f"{name:40} {value}" for name, value in values.items())
