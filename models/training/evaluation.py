"""Evaluation of classifiers: metrics, calibration, and robustness to perturbed input."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from models.action.label import NOTHING, Label
from models.data.augment import Augmentation
from models.data.camera import cameras_around
from models.data.pyskl import Clip, clip_identity, labelled
from models.data.scene import Scene
from models.data.windows import Window, clip_windows, live_windows
from models.errors import UserError

Figures = dict[str, Any]
"""Figures by name, as JSON can hold them."""

MODES = {"clip": clip_windows, "window": live_windows}
"""How clips become windows: the protocol of the literature, and what the live program sees."""

STRESS = {
    "joint noise up to 0.1 torso": Augmentation(jitter=0.1),
    "slow noise up to 0.1 torso": Augmentation(sway=0.1),
    "a joint in five missing": Augmentation(dropout=0.2),
    "left and right exchanged at times": Augmentation(swaps=1.0),
    "cut by the frame": Augmentation(cut=1.0),
    "legs, and at times hips, not in view": Augmentation(legs=1.0),
    "view rolled up to 20 degrees": Augmentation(roll=0.35),
    "view turned up to 45 degrees": Augmentation(turn=0.8),
    "0.7 to 1.4 times the speed": Augmentation(speed=0.4),
}
"""Perturbations of the robustness test, one at a time."""

MOMENTS = (0.4, 0.6, 0.8, 1.0)
"""Fractions of a clip at which the windows of the robustness test end, in "window" mode."""


class Classifier(Protocol):
    """What evaluation needs of a classifier: STRL, or a linear probe."""

    @property
    def labels(self) -> Sequence[Label]:
        """The vocabulary, in the order of the logits."""

    @property
    def thresholds(self) -> Mapping[int, float]:
        """The lowest probability with which to answer, for windows of one and of two people."""

    @property
    def clips(self) -> Sequence[Sequence[str]]:
        """[name, fingerprint] of every training clip."""

    def __call__(self, window: Tensor, present: Tensor) -> Tensor:
        """Compute logits [B, labels + 1] of windows [B, 2, 64, 17, 2]."""

    def probabilities(self, logits: Tensor) -> Tensor:
        """Compute calibrated probabilities [B, labels + 1]."""


@dataclass(frozen=True)
class Mistake:
    """A window that was named wrongly.

    Attributes:
        window: joints and presence of the window.
        label: what it shows.
        answer: what it was taken for.
        probability: calibrated, of the answer.
    """

    window: Window
    label: str
    answer: str
    probability: float


@dataclass
class Evaluation:
    """The result of an evaluation.

    Attributes:
        figures: the figures.
        labels: names of the labels in the confusion matrix, [L].
        confusion: number of clips by true label (rows) and predicted label (columns), [L, L].
        mistakes: the windows that were named wrongly, the surest ones first.
    """

    figures: Figures
    labels: list[str]
    confusion: np.ndarray
    mistakes: list[Mistake]

    def text(self) -> str:
        """Format the figures and the confusion matrix for printing."""
        lines = [format_figures(self.figures)]
        width = max(len(label) for label in self.labels)
        lines += ["", "confusion matrix (rows: true labels)"]
        for label, row in zip(self.labels, self.confusion, strict=True):
            lines.append(f"{label:{width}} " + " ".join(f"{count:3d}" for count in row))
        return "\n".join(lines)


def evaluate(
    model: Classifier, clips: Sequence[Clip], mode: str, stress: bool = False, views: int = 0
) -> Evaluation:
    """Evaluate a classifier on labelled clips.

    Clips of `NOTHING` are not scored. How often they are answered is a figure of its own.

    Args:
        model: the classifier, in eval mode.
        clips: clips with labels of the model's vocabulary. 3D clips are seen by the camera that
            recorded them.
        mode: a key of `MODES`.
        stress: also measure top-1 under each perturbation of `STRESS`, and in "window" mode with
            windows that end at each of `MOMENTS`.
        views: see 3D clips by so many cameras around the people instead, and take the mean of the
            figures over the cameras.

    Raises:
        UserError: the model does not have the label of a clip, or there are no clips; or there are
            `views` and a clip is in 2D.
    """
    seen = seen_in_training(model, clips)
    leaked = sum(seen)
    unseen = torch.tensor(
        [not known for clip, known in zip(clips, seen, strict=True) if clip.label != NOTHING],
        dtype=torch.bool,
    )
    others = [clip for clip in clips if clip.label == NOTHING]
    clips = labelled(clips)
    target = targets(model, clips)
    figures: Figures = {"mode": mode, "clips": len(clips)}
    if views:
        clips, others, target, unseen = (
            _all_views(clips, views),
            _all_views(others, views),
            target.repeat(views),
            unseen.repeat(views),
        )
    windows = MODES[mode](clips)
    logits = predict(model, windows)
    figures |= metrics(model, logits, target)
    if views:
        tops = (_top1(*part) for part in zip(logits.chunk(views), target.chunk(views), strict=True))
        figures |= {
            f"top-1, camera at {360 * i // views} degrees": top for i, top in enumerate(tops)
        }
    if others:
        answered = decide(model, predict(model, MODES[mode](others))) >= 0
        figures["answers to clips without a label"] = float(answered.float().mean())
    if leaked:
        figures["NOT HELD OUT: clips seen in training"] = leaked
        if unseen.any():
            figures["top-1 of the other clips"] = _top1(logits[unseen], target[unseen])
    if stress:
        figures |= robustness(model, clips, target, mode)
    confusion = _confusion(model, logits, target)
    return Evaluation(figures, *confusion, _mistakes(model, windows, logits, target))


def _all_views(clips: Sequence[Clip], count: int) -> list[Clip]:
    """See all clips by the first of so many cameras around the people, then by the second, ..."""
    return [clip.view(camera) for camera in cameras_around(count) for clip in clips]


def seen_in_training(model: Classifier, clips: Sequence[Clip]) -> list[bool]:
    """Tell which clips the model was trained on, in 2D or in 3D, by name or by keypoints."""
    names = {clip_identity(name) for name, _ in model.clips}
    fingerprints = {fingerprint for _, fingerprint in model.clips}
    return [clip.name in names or clip.fingerprint in fingerprints for clip in clips]


def robustness(
    model: Classifier, clips: Sequence[Clip], target: Tensor, mode: str
) -> dict[str, float]:
    """Measure top-1 under perturbations.

    Args:
        model: the classifier, in eval mode.
        clips: labelled clips.
        target: index of the label of each clip, [N].
        mode: a key of `MODES`.
    """
    figures = {}
    for name, perturbation in STRESS.items():
        logits = predict(model, MODES[mode](perturb(clips, perturbation)))
        figures[f"top-1, {name}"] = _top1(logits, target)
    for moment in MOMENTS if mode == "window" else ():
        logits = predict(model, live_windows(clips, moment=moment))
        figures[f"top-1, window ends at {moment:.0%} of the clip"] = _top1(logits, target)
    return figures


def _confusion(model: Classifier, logits: Tensor, target: Tensor) -> tuple[list[str], np.ndarray]:
    """Count clips by true and predicted label, over the labels that occur as either."""
    count = len(model.labels)
    prediction = logits[:, :-1].argmax(dim=1)
    confusion = torch.zeros(count, count, dtype=torch.long)
    confusion.index_put_((target, prediction), torch.tensor(1), accumulate=True)
    used = sorted({*target.tolist(), *prediction.tolist()})
    return [model.labels[index].name for index in used], confusion[used][:, used].numpy()


def _mistakes(
    model: Classifier, windows: Sequence[Window], logits: Tensor, target: Tensor
) -> list[Mistake]:
    """Collect the windows that were named wrongly, the surest ones first."""
    probability, answer = model.probabilities(logits)[:, :-1].max(dim=1)
    wrong = (answer != target).nonzero()[:, 0]
    wrong = wrong[probability[wrong].argsort(descending=True)]
    names = [label.name for label in model.labels]
    return [
        Mistake(windows[i], names[target[i]], names[answer[i]], float(probability[i]))
        for i in wrong.tolist()
    ]


@torch.no_grad()
def predict(
    model: Callable[[Tensor, Tensor], Tensor], windows: Sequence[Window], batch: int = 64
) -> Tensor:
    """Run a model on windows, in batches.

    Args:
        model: called with windows [B, 2, 64, 17, 2] and their presence [B, 2, 64, 17].
        windows: the windows.
        batch: windows a batch.

    Returns:
        Outputs of the model, [N, ...]; those of STRL are logits [N, labels + 1].
    """
    outputs = []
    for start in range(0, len(windows), batch):
        joints, present = zip(*windows[start : start + batch], strict=True)
        inputs = (torch.from_numpy(np.stack(arrays)) for arrays in (joints, present))
        outputs.append(model(*inputs))
    return torch.cat(outputs)


def targets(model: Classifier, clips: Sequence[Clip]) -> Tensor:
    """Find the index of each clip's label in the model's vocabulary, [N].

    Raises:
        UserError: the model does not have a label, or there are no clips.
    """
    names = [label.name for label in model.labels]
    if missing := {clip.label for clip in clips} - set(names):
        raise UserError(f"the model has no label {', '.join(sorted(missing))}; map with --labels")
    if not clips:
        raise UserError("there is no clip to evaluate")
    return torch.tensor([names.index(clip.label) for clip in clips])


def metrics(model: Classifier, logits: Tensor, target: Tensor) -> dict[str, float]:
    """Compute accuracy with and without abstention.

    Top-1, top-5 and mean class accuracy are those of the labels alone, without "none of these".
    Calibration error is the expected calibration error (Guo et al., ICML 2017, equation 3; 15
    bins). Coverage is the fraction of windows for which the model answers.

    Args:
        model: the classifier.
        logits: [N, labels + 1].
        target: index of the label of each window, [N].
    """
    probability = model.probabilities(logits)
    right = logits[:, :-1].argmax(dim=1) == target
    top5 = logits[:, :-1].topk(min(5, logits.shape[1] - 1)).indices == target[:, None]
    by_class = torch.stack([right[target == label].float().mean() for label in target.unique()])
    answered = decide(model, logits) >= 0
    return {
        "top-1": float(right.float().mean()),
        "top-5": float(top5.any(dim=1).float().mean()),
        "mean class accuracy": float(by_class.mean()),
        "calibration error": calibration_error(probability[:, :-1].amax(dim=1), right),
        "coverage": float(answered.float().mean()),
        "accuracy where it answers": (
            float(right[answered].float().mean()) if answered.any() else 0.0
        ),
    }


def decide(model: Classifier, logits: Tensor) -> Tensor:
    """Decide on an answer for each window: the index of a label, or -1 for none, [N].

    The model answers if its most probable class is a label and reaches its threshold, or the one
    for the number of people of that label.
    """
    confidence, label = model.probabilities(logits).max(dim=1)
    needed = [label.least(model.thresholds, max(label.people, 1)) for label in model.labels]
    answered = confidence >= torch.tensor([*needed, torch.inf])[label]
    return torch.where(answered, label, -1)


def calibration_error(confidence: Tensor, right: Tensor, bins: int = 15) -> float:
    """Compute the expected calibration error (Guo et al., ICML 2017, equation 3).

    Args:
        confidence: probability of each prediction, [N].
        right: whether each prediction is right, bool [N].
        bins: bins of equal width.

    Returns:
        Mean gap between confidence and accuracy over the bins, weighted by their sizes.
    """
    index = (confidence * bins).long().clamp(max=bins - 1)
    error = 0.0
    for bin_ in index.unique():
        inside = index == bin_
        gap = right[inside].float().mean() - confidence[inside].mean()
        error += float(gap.abs() * inside.float().mean())
    return error


def fit_temperature(logits: Tensor, target: Tensor) -> float:
    """Fit the temperature of the softmax by least cross-entropy (Guo et al., section 4.2).

    Args:
        logits: [N, classes].
        target: [N].
    """

    def loss(exponent: float) -> float:
        return float(torch.nn.functional.cross_entropy(logits / np.exp(exponent), target))

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 3), method="bounded").x))


def fit_threshold(
    model: Classifier,
    logits: Tensor,
    target: Tensor,
    beta: float = 0.5,
    only: int | None = None,
) -> float:
    """Fit the threshold from which to answer by the best F-score (van Rijsbergen, 1979).

    Args:
        model: the classifier, with its temperature.
        logits: [N, labels + 1], of windows with at least as large a share of negatives as in use.
        target: index of the label, or of "none of these", [N].
        beta: weight of recall over precision; with 0.5 precision counts twice as much.
        only: index of the label whose threshold it is; None for that of all labels.
    """
    confidence, label = model.probabilities(logits).max(dim=1)
    action = label < len(model.labels) if only is None else label == only
    asked = target < len(model.labels) if only is None else target == only
    confidence, right = confidence[action], (label == target)[action]
    confidence, order = confidence.sort(descending=True)
    found = right[order].cumsum(0)
    precision = found / torch.arange(1, len(found) + 1)
    recall = found / asked.sum().clamp(min=1)
    score = (1 + beta**2) * precision * recall / (beta**2 * precision + recall).clamp(min=1e-9)
    return float(confidence[score.argmax()])


def perturb(clips: Sequence[Clip], augmentation: Augmentation, seed: int = 0) -> list[Clip]:
    """Augment clips, in torso lengths; the same clip and seed give the same result."""
    perturbed = []
    for clip in clips:
        rng = np.random.default_rng((seed, int(clip.fingerprint, 16)))
        scene = Scene.of(clip)
        people = augmentation.transform(scene.points, scene.fps, rng)
        people = augmentation.corrupt(people, scene.fps, rng)
        times = clip.times / augmentation.draw_speed(rng)
        perturbed.append(replace(clip, keypoints=people, times=times, unit=1.0))
    return perturbed


def _top1(logits: Tensor, target: Tensor) -> float:
    """Compute the accuracy of the best label, without "none of these"."""
    return float((logits[:, :-1].argmax(dim=1) == target).float().mean())


def format_figures(figures: Mapping[str, Any]) -> str:
    """Format figures for printing, one a line."""
    values = {
        name: f"{value:.3f}" if isinstance(value, float) else value
        for name, value in figures.items()
    }
    return "\n".join(f"{name:40} {value}" for name, value in values.items())
