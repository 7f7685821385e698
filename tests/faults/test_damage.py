"""A sample of `make soak`: damaged files and ends at random moments."""

import os

import pytest

from tests.faults.cases import annotate, try_damaged, try_killed
from tests.faults.damage import DAMAGES, damage
from tests.faults.good import FRAMES, KINDS, frames_in, make
from tests.faults.table import Table
from tests.pipeline.videos import CLIPS

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.name == "nt", reason="signals of Unix"),
]
FINE = ("whole", "clear line")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return tmp_path_factory.mktemp("good")


@pytest.mark.parametrize("name", KINDS)
def test_nothing_is_wrong_with_a_whole_file(good, name):
    assert frames_in(make(good, name)) == (FRAMES, None)


def test_a_whole_file_is_annotated_whole(good, tmp_path):
    assert annotate(make(good, "matroska"), tmp_path, promises=True) == ("whole", "")


@pytest.mark.parametrize("seed", range(10_000, 10_000 + len(DAMAGES)))
def test_a_damaged_file_is_read_as_far_as_it_goes_or_refused_in_one_line(good, tmp_path, seed):
    *_, (column, seen) = try_damaged(good, tmp_path, seed)
    assert column in FINE, seen


@pytest.mark.parametrize("seed", range(20_000, 20_008))
def test_an_end_at_any_moment_loses_nothing(tmp_path, seed):
    column, seen = try_killed(CLIPS / "two_people.mp4", tmp_path, seed)
    assert column in FINE, seen


def test_a_seed_repeats_its_damage():
    data = bytes(range(256)) * 64
    for seed in range(2 * len(DAMAGES)):
        assert damage(data, seed) == damage(data, seed)
        assert damage(data, seed)[1] != data


def test_the_table_counts_and_repeats_what_is_bad():
    table = Table()
    table.add("cut", "whole", "seed 1")
    table.add("cut", "traceback", "seed 2", "IndexError")
    lines = table.text().splitlines()
    assert lines[1].split() == ["cut", "2", "1", "0", "1", "0", "0", "0"]
    assert lines[2].split()[0] == "sum" and lines[3] == "traceback: seed 2: IndexError"
