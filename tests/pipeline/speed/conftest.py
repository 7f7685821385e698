import pytest

from pipeline.engine import Pipeline
from pipeline.speed.clips import read
from tests.pipeline.videos import CLIPS


@pytest.fixture(scope="package")
def pipeline():
    return Pipeline()


@pytest.fixture(scope="package")
def frames():
    return read(CLIPS / "walk.mp4", start=0.5, seconds=1)
