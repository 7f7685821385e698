from pipeline.speed.stages import stages, watched
from tests.pipeline.videos import CLIPS

WALK = CLIPS / "walk.mp4"


def test_every_stage_is_timed_and_every_call_counted(pipeline, frames):
    before = pipeline.detector, pipeline.pose, pipeline.executor
    spent, calls, people = stages(pipeline, WALK, frames)
    assert (pipeline.detector, pipeline.pose, pipeline.executor) == before
    assert len(spent["pose"]) == len(calls) == len(people) == len(frames)
    assert all(len(boxes) >= 1 for _, boxes in calls)
    assert 3 <= len(spent["detect"]) < 15
    assert 4 <= len(spent["cut windows and classify"]) <= 6
    assert len(spent["encode"]) == len(spent["draw"]) == 30
    assert all(min(times) >= 0 for times in spent.values())
    assert set(people[1:]) == {1}


def test_only_the_search_is_timed(pipeline, frames):
    with watched(pipeline) as spent:
        pipeline.detector.search_regions(frames[0].image, 1)
        assert not spent["detect"]
        pipeline.detector.search(frames[0].image, 2)
        assert len(spent["detect"]) == 1
