"""Windows of whole clips for training, and windows for evaluation.

A training sample is a pure function of (seed, index), so that a run can be resumed, repeated, and
shared by several processes.
"""

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from models.data.augment import Augmentation
from models.data.camera import Cameras
from models.data.pyskl import Clip
from models.data.recording import THRESHOLD
from models.data.scene import Scene, all_bone_lengths, film
from models.sample import clip_window, span_window

FIRST_ANSWER = 0.5
"""Seconds after which the live program first answers: the shortest part of a window filled."""

Window = tuple[np.ndarray, np.ndarray]
"""Joints float32 [2, 64, 17, 2] and presence bool [2, 64, 17], as `models.sample` makes them."""

Sample = tuple[np.ndarray, np.ndarray, int]
"""A window and the index of its label."""


class ClipWindows(Dataset[Sample]):
    """Training samples of whole clips: augmented, and stretched over the window.

    Every clip is drawn equally often, in a new order each time round.

    Args:
        clips: clips to draw from.
        classes: label names; the target of a clip is the index of its label.
        augmentation: how the clips are augmented.
        seed: seed of all random numbers.
        crop: shortest part of a clip to keep, as a fraction.
        length: samples an epoch; 0 means one of each clip.
        cameras: the cameras to film clips in space with, a new one for each sample.
        live: fraction of the samples whose window has the fixed span of the live program, and ends
            at a random time, and is not stretched.
    """

    def __init__(
        self,
        clips: list[Clip],
        classes: list[str],
        augmentation: Augmentation,
        seed: int = 0,
        crop: float = 1.0,
        length: int = 0,
        cameras: Cameras = Cameras(),  # noqa: B008 - it is frozen
        live: float = 0.0,
    ):
        self.scenes = [Scene.of(clip) for clip in clips]
        self.targets = [classes.index(clip.label) for clip in clips]
        self.augmentation, self.seed, self.crop = augmentation, seed, crop
        self.length, self.cameras, self.live = length or len(clips), cameras, live
        self.bodies = all_bone_lengths(self.scenes)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng((self.seed, index))
        turn, place = divmod(index, len(self.scenes))
        place = np.random.default_rng((self.seed, turn)).permutation(len(self.scenes))[place]
        scene, augmentation = self.scenes[place], self.augmentation
        frames = len(scene.times)
        kept = max(round(frames * rng.uniform(self.crop, 1)), min(2, frames))
        start = int(rng.integers(0, frames - kept + 1))
        fps, scene = scene.fps, scene.frames(slice(start, start + kept))
        scene = film(scene, self.cameras, augmentation, rng, self.bodies)
        filmed = scene.camera is not None
        points = augmentation.transform(scene.points, fps, rng, self.bodies, filmed)
        points = augmentation.corrupt(points, fps, rng)
        if self.live and rng.random() < self.live:
            times = scene.times / augmentation.draw_speed(rng)
            end = rng.uniform(min(times[0] + FIRST_ANSWER, times[-1]), times[-1])
            window, present = span_window(Scene(times, points).tracks, end, THRESHOLD)
        else:
            window, present = clip_window(Scene(scene.times, points).tracks, THRESHOLD)
        return window, present, self.targets[place]


def clip_windows(clips: Sequence[Clip]) -> list[Window]:
    """Stretch each clip over a window: evaluation by the protocol of the literature."""
    return [clip_window(clip.tracks, THRESHOLD) for clip in clips]


def live_windows(clips: Sequence[Clip], seed: int = 0, moment: float | None = None) -> list[Window]:
    """Cut a window of fixed span from each clip, as the live program would.

    The window ends at a random time in the second half of the clip, at least 0.5 s after its start.

    Args:
        clips: clips to evaluate on.
        seed: seed of the end times.
        moment: the fraction of the clip at which every window ends, in place of a random time.
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
