import numpy as np
import pytest

from models.sample import MAX_GAP, RATE, STEPS, clip_window, span_window

BODY = np.array(
    [
        *[(0, -3)] * 5,
        *[(-1, -2), (1, -2), (-1.5, -1), (1.5, -1), (-1.5, 0), (1.5, 0)],
        *[(-0.7, 0.5), (0.7, 0.5), (-0.7, 2.5), (0.7, 2.5), (-0.7, 4.5), (0.7, 4.5)],
    ],
    np.float32,
)


def walker(fps, seconds=3.0, start=0.0, scale=30.0, place=(200.0, 300.0)):
    """Track of a person who walks to the right and swings the left wrist: times and keypoints."""
    times = start + np.arange(round(seconds * fps) + 1) / fps
    body = np.repeat(BODY[None], len(times), axis=0)
    body[:, :, 0] += times[:, None]
    body[:, 9, 1] += np.sin(2 * times)
    keypoints = np.ones((len(times), 17, 3), np.float32)
    keypoints[..., :2] = body * scale + place
    return times, keypoints


@pytest.mark.parametrize("fps", [15, 60])
def test_any_frame_rate_gives_the_same_window(fps):
    window, present = span_window([walker(30)], 3.0, 0.5)
    other, seen = span_window([walker(fps)], 3.0, 0.5)
    assert (present == seen).all()
    assert np.abs(window - other).max() < 0.02


def test_frames_at_irregular_times_are_interpolated_linearly():
    times, keypoints = walker(200)
    some = np.sort(np.random.default_rng(0).choice(len(times), 150, replace=False))
    some = np.union1d(some, [0, len(times) - 1])
    exact, _ = span_window([(times, keypoints)], 3.0, 0.5)
    window, present = span_window([(times[some], keypoints[some])], 3.0, 0.5)
    assert np.diff(times[some]).max() < MAX_GAP
    assert present[0, :, 5].all()
    assert np.abs(window - exact)[0, :, 5:].max() < 0.03


def test_no_interpolation_across_a_gap():
    times, keypoints = walker(RATE)
    keypoints[60:68, 9, 2] = 0.1  # 9 intervals: more than 0.2 s
    keypoints[60:64, 10, 2] = 0.1  # 5 intervals
    assert 5 / RATE < MAX_GAP < 9 / RATE
    _, present = span_window([(times, keypoints)], times[-1], 0.5)
    absent = np.arange(60, 68) - (len(times) - STEPS)
    assert not present[0, absent, 9].any()
    assert present[0, :, 9].sum() == STEPS - 8
    assert present[0, :, 10].all()


def test_steps_before_the_first_and_after_the_last_frame_are_absent():
    times, keypoints = walker(RATE, seconds=0.5)
    window, present = span_window([(times, keypoints)], 0.6, 0.5)
    seen, late = present[0, :, 5], round(0.1 * RATE)
    assert seen.sum() == len(times)
    assert not seen[-late:].any()
    assert seen[-late - 1]
    assert not present[1].any()
    assert not window[~present].any()


def test_faces_are_never_present():
    _, present = span_window([walker(30)], 3.0, 0.5)
    assert not present[0, :, 1:5].any()
    assert present[0, :, 0].all()


def test_position_and_size_in_the_image_do_not_matter():
    window, _ = span_window([walker(30)], 3.0, 0.5)
    other, _ = span_window([walker(30, scale=150, place=(-900, 12))], 3.0, 0.5)
    assert np.allclose(window, other, atol=1e-4)


def test_motion_and_distance_stay_visible():
    left, right = walker(30), walker(30, place=(350, 300))
    window, _ = span_window([left, right], 3.0, 0.5)
    assert window[0, -1, 5, 0] - window[0, 0, 5, 0] == pytest.approx(63 / RATE / 2.5, rel=0.25)
    apart = window[1, :, 5] - window[0, :, 5]
    assert np.allclose(apart, apart[0], atol=1e-4)
    assert apart[0, 0] == pytest.approx(150 / 30 / 2.5, rel=0.25)


@pytest.mark.parametrize("lost", [slice(11, 17), slice(13, 17), [5, 7, 9], [0, 6, 12]])
def test_the_scale_survives_missing_joints(lost):
    times, keypoints = walker(30)
    whole, _ = span_window([(times, keypoints)], 3.0, 0.5)
    keypoints[:, lost, 2] = 0
    part, _ = span_window([(times, keypoints)], 3.0, 0.5)
    joint = 10  # seen in every case
    size = [np.ptp(window[0, :, joint, 0]) for window in (whole, part)]
    assert size[1] == pytest.approx(size[0], rel=0.3)


def test_the_scale_survives_a_sideways_and_bent_body():
    times, keypoints = walker(30)
    whole, _ = span_window([(times, keypoints)], 3.0, 0.5)
    keypoints[:, [5, 6], 0] = keypoints[:, [5, 6], 0].mean(axis=1, keepdims=True)
    keypoints[:, [0, 5, 6], 1] += 45  # a torso of 2.5 becomes one of 1
    bent, _ = span_window([(times, keypoints)], 3.0, 0.5)
    assert np.ptp(bent[0, :, 13, 0]) == pytest.approx(np.ptp(whole[0, :, 13, 0]), rel=0.3)


def test_without_detections_nothing_is_present():
    times, keypoints = walker(30)
    keypoints[..., 2] = 0
    window, present = span_window([(times, keypoints)], 3.0, 0.5)
    assert not present.any()
    assert not window.any()


def test_a_clip_is_stretched_from_its_first_frame_to_its_last():
    times, keypoints = walker(30, seconds=5)
    window, present = clip_window([(times, keypoints)], 0.5)
    assert present[0, :, 5].all()
    steps = np.diff(window[0, :, 5, 0])
    assert np.allclose(steps, steps[0], atol=1e-3)
    travelled = window[0, -1, 5, 0] - window[0, 0, 5, 0]
    two, _ = span_window([(times, keypoints)], 5.0, 0.5)
    assert travelled > 2 * (two[0, -1, 5, 0] - two[0, 0, 5, 0])
