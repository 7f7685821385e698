from collections import Counter

import numpy as np
from mmengine.config import Config

from models.data.augment import Augmentation
from models.data.recording import THRESHOLD
from models.data.windows import ClipWindows, clip_windows, live_windows
from models.files import CONFIGS
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


def test_training_sees_every_joint_that_is_seen_live():
    files = CONFIGS.glob("movenet_*.py")
    live = [Config.fromfile(file).get("keypoint_threshold", 1.0) for file in files]
    assert min(live) == THRESHOLD


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


def test_some_samples_are_windows_of_the_live_span(clips):
    windows = ClipWindows(clips, CLASSES, Augmentation(speed=0.2), live=0.5)
    filled = [windows[index][1].any(axis=(0, 2)).mean() for index in range(60)]
    whole = np.mean(np.array(filled) == 1)  # stretched, or of a clip that is longer than a window
    assert 0.4 < whole < 0.95
    assert min(filled) * 64 >= 0.5 * RATE - 2


def test_clips_in_space_are_filmed_anew_for_each_sample(space_clips):
    def make(seed=0):
        return ClipWindows(space_clips, CLASSES, ROUGH, seed, crop=0.7)

    for index in range(0, 40, 3):
        one, two, other = make()[index], make()[index], make(1)[index]
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
        assert not np.array_equal(one[0], other[0])
    plain = ClipWindows(space_clips[:1], CLASSES, Augmentation())
    views = [plain[index][0][0] for index in range(30)]
    sides = [np.sign(view[:, 5, 0] - view[:, 6, 0]).mean() for view in views]
    assert min(sides) == -1  # from behind
    assert max(sides) == 1
    assert all((view[:, 15, 1] > view[:, 5, 1]).all() for view in views)


def test_clips_in_space_are_evaluated_as_they_were_recorded(space_clips):
    for clip, (window, present) in zip(space_clips, clip_windows(space_clips), strict=True):
        space = clip.space[0]
        seen = space[..., :2] / space[..., 2:]
        middle = (seen[0, 5] - seen[0, 6]) / np.linalg.norm(seen[0, 5] - seen[0, 11])
        found = (window[0, 0, 5] - window[0, 0, 6]) / np.linalg.norm(
            window[0, 0, 5] - window[0, 0, 11]
        )
        np.testing.assert_allclose(found, middle, atol=0.02)
        assert present[0, :, 5].all()
