from pathlib import Path

import numpy as np
import pytest

from apps.cli import Parser, add_pipeline_options, build_pipeline
from models.action.strl import STRL
from models.errors import UserError
from models.pose.estimators import Bottomup, Topdown
from models.runtime.compiled import CompiledBottomup, CompiledSTRL, CompiledTopdown
from pipeline.detect import Detector
from pipeline.engine import Pipeline
from pipeline.pose import PoseEstimator
from pipeline.source import open_source

CLIPS = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(
    ("runtime", "kinds"),
    [
        ([], (CompiledTopdown, CompiledBottomup, CompiledSTRL)),
        (["--runtime", "onnx"], (CompiledTopdown, CompiledBottomup, CompiledSTRL)),
        (["--runtime", "torch"], (Topdown, Bottomup, STRL)),
    ],
)
def test_the_option_chooses_every_network(runtime, kinds):
    command = Parser()
    add_pipeline_options(command)
    pipeline = build_pipeline(command.parse_args(runtime))
    networks = pipeline.pose.model, pipeline.detector.model, pipeline.classifier.model
    assert all(isinstance(n, kind) for n, kind in zip(networks, kinds, strict=True))


def test_every_network_can_be_held_to_one_thread():
    for model in (PoseEstimator(threads=1).model, Detector(threads=1).model):
        options = model._graph._session.get_session_options()
        assert options.intra_op_num_threads == 1


def test_other_models_are_not_compiled():
    with pytest.raises(UserError, match="leave --runtime out"):
        PoseEstimator("rtmpose-t", runtime="onnx")


@pytest.mark.slow
@pytest.mark.parametrize("clip", ["walk.mp4", "two_walkers.mp4"])
def test_both_runtimes_say_the_same(clip):
    with open_source(CLIPS / clip, stride=2, max_seconds=3) as source:
        frames = list(source)
    compiled, plain = (
        [pipeline(frame) for frame in frames]
        for pipeline in (Pipeline(runtime=runtime) for runtime in ("onnx", "torch"))
    )
    apart, named = [], 0
    for ours, theirs in zip(compiled, plain, strict=True):
        assert [p.id for p in ours.people] == [p.id for p in theirs.people]
        assert [(a.people, a.label) for a in ours.actions] == [
            (a.people, a.label) for a in theirs.actions
        ]
        for person, other in zip(ours.people, theirs.people, strict=True):
            apart.append(np.abs(person.keypoints - other.keypoints)[:, :2].max(axis=1))
        named += any(action.label for action in ours.actions)
    assert np.median(apart) < 0.5  # pixels; what is told apart by a hair makes other crops later
    assert named > len(frames) / 3


def test_half_precision_is_for_a_gpu():
    for runtime in ("onnx", "torch"):
        with pytest.raises(UserError, match="--half needs --device cuda"):
            Pipeline(runtime=runtime).half()


def test_half_precision_finds_the_same_joints():
    """On a CPU, where it is bfloat16: a coarser number than a GPU's float16."""
    with open_source(CLIPS / "two_walkers.mp4", max_seconds=0.1) as source:
        image = next(iter(source)).image
    pipeline = Pipeline(runtime="torch")
    for half in (False, True):
        pipeline.pose.model.half = pipeline.detector.model.half = half
        people = pipeline.detector(image)
        poses = pipeline.pose(image, people.boxes)
        if not half:
            plain, whole = poses, people
    assert len(people) == len(whole) == 2 and poses.dtype == np.float32
    assert np.abs(people.boxes - whole.boxes).max() < 10
    size = whole.boxes[0, 3] - whole.boxes[0, 1]
    assert 0 < np.median(np.abs(poses - plain)[..., :2]) < 0.02 * size
