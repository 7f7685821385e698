"""Whether two labels are each other's mirror image, as "swipe left" and "swipe right" are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.data.augment import mirrored
from models.data.pyskl import Clip
from models.data.windows import Window

CONFUSED = 0.5
"""Share of the clips of both labels that mirrored clips must make look like the other label."""
NEAR = 1.5
"""How many times farther than the nearest clip the nearest mirrored one may be to be like it."""


def mirror(clip: Clip) -> Clip:
    """Mirror a clip in the plane.

    A window cannot be mirrored in its place: its origin is a lower median, see `models.sample`.
    """
    return replace(clip, keypoints=mirrored(clip.keypoints))


def are_mirrored(
    windows: Sequence[Sequence[Window]],
    others: Sequence[Sequence[Window]],
    labels: Sequence[str],
) -> bool:
    """Whether any two labels are each other's mirror image.

    They are if most clips are nearest to others of their own label, but of all mirrored clips to
    ones of the other, which are about as near. The classifier's features do not tell, since it was
    trained on mirrored clips, so joints are compared as they are.

    Args:
        windows: of each clip.
        others: of each clip, mirrored.
        labels: of each clip.
    """
    plain = [np.stack([_flat(w) for w in clip]) for clip in windows]
    turned = [np.stack([_flat(w) for w in clip]) for clip in others]
    names = sorted(set(labels))
    taken = np.zeros((len(names), len(names)))
    for index, label in enumerate(labels):
        own = _nearest(plain[index], plain, labels, index)
        other = _nearest(plain[index], turned, labels, index)
        if own[1] == label and other[0] < NEAR * own[0]:
            taken[names.index(label), names.index(other[1])] += 1
    share = taken / np.array([[labels.count(name)] for name in names])
    np.fill_diagonal(share, 0)
    return bool((np.minimum(share, share.T) >= CONFUSED).any())


def _nearest(
    clip: np.ndarray, others: Sequence[np.ndarray], labels: Sequence[str], left_out: int
) -> tuple[float, str]:
    """Mean distance of a clip's windows to the nearest clip, and its label."""
    distances = [
        (float(np.linalg.norm(clip[:, None] - other, axis=-1).min(axis=1).mean()), label)
        for index, (other, label) in enumerate(zip(others, labels, strict=True))
        if index != left_out
    ]
    return min(distances, default=(np.inf, ""))


def _flat(window: Window) -> np.ndarray:
    """The most visible person of a window at every fourth step, [16 × 17 × 2]; 0 where absent."""
    joints, present = window
    person = int(present.sum(axis=(1, 2)).argmax())
    return np.where(present[person, ::4, :, None], joints[person, ::4], 0).ravel()
