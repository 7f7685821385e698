"""Clips to training and test windows: what the classifier is taught, and what it is tried on.

A training sample is a pure function of (seed, index), so that a run can be resumed, repeated, and
shared out over processes.
"""

import numpy as np
from torch.utils.data import Dataset

from models.data.augment import Augmentation
from models.data.pyskl import Clip
from models.data.scene import Scene, all_bone_lengths
from models.sample import clip_window, span_window

FIRST_ANSWER = 0.5
"""Seconds after which the live program answers, and so the shortest window it is trained on."""

THRESHOLD = 0.3  # MMPose's own for what is drawn; annotated joints have a score of 0 or 1


class ClipWindows(Dataset):
    """Whole clips stretched over the window, augmented, each as often as any other.

    Args:
        clips: what to draw from.
        classes: label names; a clip's target is its label's index.
        augmentation: see `Augmentation`.
        seed: of the random numbers.
        crop: shortest part of the clip to keep, as a fraction.
        length: samples an epoch; 0 is each clip once.
    """

    def __init__(
        self,
        clips: list[Clip],
        classes: list[str],
        augmentation: Augmentation,
        seed: int = 0,
        crop: float = 1.0,
        length: int = 0,
    ):
        self.scenes = [Scene.of(clip) for clip in clips]
        self.targets = [classes.index(clip.label) for clip in clips]
        self.augmentation, self.seed, self.crop = augmentation, seed, crop
        self.length = length or len(clips)
        self.bodies = all_bone_lengths(self.scenes)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, int]:
        rng = np.random.default_rng((self.seed, index))
        turn, place = divmod(index, len(self.scenes))
        place = np.random.default_rng((self.seed, turn)).permutation(len(self.scenes))[place]
        scene, augmentation = self.scenes[place], self.augmentation
        frames = len(scene.times)
        kept = max(round(frames * rng.uniform(self.crop, 1)), min(2, frames))
        start = int(rng.integers(0, frames - kept + 1))
        times, points = scene.times[start : start + kept], scene.points[:, start : start + kept]
        points = augmentation.scene(points, scene.fps, rng, self.bodies)
        points = augmentation.estimate(points, scene.fps, rng)
        window, present = clip_window(Scene(times, points).tracks, THRESHOLD)
        return window, present, self.targets[place]


def clip_windows(clips: list[Clip]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each clip stretched over the window: evaluation by the protocol of the literature."""
    return [clip_window(clip.tracks, THRESHOLD) for clip in clips]


def live_windows(
    clips: list[Clip], seed: int = 0, moment: float | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each clip seen live, at a moment drawn evenly from its second half (at least 0.5 s in).

    Args:
        clips: what to look at.
        seed: of the moments.
        moment: a part of the clip instead, at the end of which every window ends.
    """
    windows = []
    for clip in clips:
        rng = np.random.default_rng((seed, int(clip.fingerprint, 16)))
        last = clip.times[-1]
        end = rng.uniform(max(last / 2, min(FIRST_ANSWER, last)), last)
        if moment is not None:
            end = max(moment * last, min(FIRST_ANSWER, last))
        seen = clip.times <= end
        end = clip.times[seen][-1]
        tracks = [(times[seen], keypoints[seen]) for times, keypoints in clip.tracks]
        windows.append(span_window(tracks, end, THRESHOLD))
    return windows
