import os
import random
import time

import pytest

from pipeline.annotate import annotate
from pipeline.choices import Choices
from pipeline.engine import Pipeline
from pipeline.sink import JsonLinesSink
from pipeline.source import open_source
from tests.pipeline.videos import CLIPS


def lines(path, clip, seed):
    """The JSON Lines of a clip, whose stages take random times."""
    rng, pipeline = random.Random(seed), Pipeline()

    def uneven(stage):
        def run(item):
            time.sleep(rng.uniform(0, 0.01))
            return stage(item)

        return run

    for name in ("compare", "track", "classify"):
        setattr(pipeline, name, uneven(getattr(pipeline, name)))
    pipeline.detector.model = uneven_network(pipeline.detector.model, rng)
    with (
        open_source(clip, max_seconds=2.5) as source,
        JsonLinesSink(path, pipeline.labels, source) as sink,
    ):
        for _ in annotate(pipeline, source, lines=sink):
            pass
    return path.read_bytes()


@pytest.mark.slow
def test_one_thread_gives_the_same_lines(tmp_path):
    found = []
    for threads in (1, None):
        pipeline = Choices(threads=threads).pipeline()
        path = tmp_path / f"{threads}.jsonl"
        with (
            open_source(CLIPS / "two_people.mp4", max_seconds=2, threads=threads) as source,
            JsonLinesSink(path, pipeline.labels, source) as sink,
        ):
            for _ in annotate(pipeline, source, lines=sink, threads=threads != 1):
                pass
        found.append(path.read_bytes())
    assert found[0] == found[1] and found[0].count(b"\n") == 60


def uneven_network(network, rng):
    """A network that takes random times."""

    def call(*arguments):
        time.sleep(rng.uniform(0, 0.05))
        return network(*arguments)

    call.threshold = network.threshold
    return call


@pytest.mark.slow
@pytest.mark.parametrize("clip", ["two_people.mp4", "walk.mp4"])
def test_the_same_input_gives_the_same_lines_byte_for_byte(monkeypatch, tmp_path, clip):
    found = []
    for threads in (1, 2, 2):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        path = tmp_path / f"{len(found)}.jsonl"
        found.append(lines(path, CLIPS / clip, seed=len(found)))
    assert found[0].count(b"\n") == 75 and b'"id":1' in found[0]
    assert found[1] == found[0] and found[2] == found[0]
