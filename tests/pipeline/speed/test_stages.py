import pytest

from pipeline.speed.stages import stages, timed_networks
from tests.pipeline.videos import CLIPS

WALK = CLIPS / "walk.mp4"


@pytest.mark.training
def test_every_stage_is_timed_and_every_call_counted(pipeline, frames):
    before = pipeline.detector, pipeline.pose, pipeline.executor
    times = stages(pipeline, WALK, frames)
    durations, calls, people = times.durations, times.pose_calls, times.people
    assert (pipeline.detector, pipeline.pose, pipeline.executor) == before
    assert len(durations["pose"]) == len(calls) == len(people) == len(frames)
    assert all(len(boxes) == len(turns) >= 1 for _, boxes, turns in calls)
    assert 3 <= len(durations["detect"]) < 15
    assert 4 <= len(durations["cut windows and classify"]) <= 6
    assert len(durations["encode"]) == len(durations["draw"]) == 30
    assert all(min(seconds) >= 0 for seconds in durations.values())
    assert set(people[1:]) == {1}
    assert list(durations) == [
        *("read", "detect", "pose", "compare and track", "cut windows and classify"),
        *("draw", "encode"),
    ]


def test_each_run_of_the_detector_is_timed(pipeline, frames):
    with timed_networks(pipeline) as (detector, _):
        assert pipeline.detector.nms_threshold == 0.7 and not detector.durations
        assert len(pipeline.detector(frames[0].image)) == 1
        assert len(detector.durations) == 1
