import pytest

from apps.cli import Parser, add_pipeline_options, build_pipeline
from models.compiled import CompiledBottomup, CompiledSTRL, CompiledTopdown
from models.errors import UserError
from models.pose_model import Bottomup, Topdown
from models.strl import STRL
from pipeline.pose import PoseEstimator


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


def test_other_models_are_not_compiled():
    with pytest.raises(UserError, match="leave --runtime out"):
        PoseEstimator("rtmpose-t", runtime="onnx")
