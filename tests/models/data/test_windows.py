from collections import Counter

import numpy as np

from models.data.augment import Augmentation
from models.data.windows import ClipWindows, clip_windows, live_windows
from models.sample import RATE

ROUGH = Augmentation(turn=0.5, roll=0.2, speed=0.3, jitter=0.03, dropout=0.1, parts=0.3, cut=0.3)
CLASSES = ["class 0", "class 1", "hug", "push"]


def test_clip_windows_show_each_clip_once_an_epoch_in_another_order(clips):
    windows = ClipWindows(clips, CLASSES, Augmentation())
    epochs = [[windows[len(clips) * epoch + i] for i in range(len(clips))] for epoch in range(2)]
    order = [[window.tobytes() for window, _, _ in epoch] for epoch in epochs]
    assert order[0] != order[1]
    assert Counter(target for _, _, target in epochs[0]) == Counter(
        CLASSES.index(clip.label) for clip in clips
    )


def test_a_sample_is_a_function_of_its_seed_and_index(clips):
    def make(seed):
        return ClipWindows(clips, CLASSES, ROUGH, seed)

    for index in (0, 7, 1000):
        one, two, other = make(0)[index], make(0)[index], make(1)[index]
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
        assert not np.array_equal(one[0], other[0])


def test_evaluation_windows(clips):
    whole, seen_live = clip_windows(clips), live_windows(clips)
    for clip, (_, stretched), (_, cut) in zip(clips, whole, seen_live, strict=True):
        assert stretched[0, :, 5].all()
        filled = cut[0, :, 5].sum()
        assert filled <= round(clip.times[-1] * RATE) + 1
        assert filled >= min(clip.times[-1] / 2, 0.5) * RATE - 1
    again = live_windows(clips)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(seen_live, again, strict=True))
    later = live_windows(clips, seed=1)
    assert not all(np.array_equal(a[0], b[0]) for a, b in zip(seen_live, later, strict=True))


def test_a_live_window_may_end_at_a_given_part_of_the_clip(clips):
    for (_, early), (_, late), clip in zip(
        live_windows(clips, moment=0.4), live_windows(clips, moment=1.0), clips, strict=True
    ):
        shown = [RATE * min(1.6, part * clip.times[-1]) for part in (0.4, 1.0)]
        for present, steps in zip((early, late), shown, strict=True):
            assert abs(present.any(axis=(0, 2)).sum() - max(steps, 20)) <= 3
