"""Knowing what it does not know: how well scores tell actions with a label from others."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from models.action.strl import STRL
from models.data.pyskl import Clip
from models.data.windows import Window
from models.training.evaluation import MODES, predict

NEIGHBOURS = 10
"""Which of the nearest neighbours gives the distance in feature space."""


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """Compute the area under the ROC curve: how often a known one scores above an unknown one.

    Args:
        known: scores [N] of what has a label.
        unknown: scores [M] of what has none.
    """
    ranks = rankdata(np.concatenate([known, unknown]))[: len(known)]
    return float((ranks.mean() - (len(known) + 1) / 2) / len(unknown))


def novelty(
    model: STRL,
    known: Sequence[Clip],
    unknown: Sequence[Clip],
    trained: Sequence[Clip] = (),
    mode: str = "window",
) -> dict[str, float]:
    """Measure how well scores tell clips with a label from clips without one.

    The scores are the calibrated probability of the best label, as live; the energy of the labels'
    logits (Liu et al., NeurIPS 2020); one minus the probability of "none of these"; and, if there
    are training clips, the distance to the `NEIGHBOURS`th nearest of their features (Sun et al.,
    ICML 2022).

    Args:
        model: the classifier, in eval mode.
        known: clips of labels, which the model was not trained on.
        unknown: clips of classes that no clip in training showed.
        trained: training clips.
        mode: a key of `MODES`.

    Returns:
        The area under the ROC curve of each score by name.
    """
    inside, outside = (_scores(model, MODES[mode](clips)) for clips in (known, unknown))
    areas = {name: auroc(inside[name], outside[name]) for name in inside}
    if trained:
        reference, inner, outer = (
            _features(model, MODES[mode](clips)) for clips in (trained, known, unknown)
        )
        areas["distance in feature space"] = auroc(
            *(-_distance(features, reference) for features in (inner, outer))
        )
    return areas


def _scores(model: STRL, windows: Sequence[Window]) -> dict[str, np.ndarray]:
    logits = predict(model, windows)
    probability = model.probabilities(logits)
    return {
        "probability of the best label": probability[:, :-1].amax(dim=1).numpy(),
        "energy": torch.logsumexp(logits[:, :-1], dim=1).numpy(),
        "probability of any label": 1 - probability[:, -1].numpy(),
    }


def _features(model: STRL, windows: Sequence[Window]) -> Tensor:
    return torch.nn.functional.normalize(predict(model.features, windows), dim=1)


def _distance(features: Tensor, reference: Tensor) -> np.ndarray:
    nearest = torch.cdist(features, reference).topk(min(NEIGHBOURS, len(reference)), largest=False)
    return nearest.values[:, -1].numpy()
