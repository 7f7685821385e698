import pytest


def test_frames_are_those_between_two_times(frames):
    assert len(frames) == 30
    assert [frame.index for frame in frames] == list(range(30))
    assert frames[0].time == 0 and frames[-1].time == pytest.approx(29 / 30)
