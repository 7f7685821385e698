"""Clips of one person and of two, to make windows of."""

import pytest

from models.data.pyskl import load_split
from tests.skeletons import dataset, space_dataset


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    single = load_split([dataset(folder / "single.pkl", clips=12)], ["train"])
    pair = dataset(folder / "pair.pkl", clips=12, people=2, seed=1, classes=["hug", "push"])
    return single + load_split([pair], ["train"])


@pytest.fixture(scope="module")
def space_clips(tmp_path_factory):
    """Clips in space of one person who waves or walks, and of two."""
    folder = tmp_path_factory.mktemp("space")
    names = ["class 0", "class 1"]
    single = load_split([space_dataset(folder / "one_3d.pkl", 12, classes=names)], ["train"])
    names = ["hug", "push"]
    pair = space_dataset(folder / "two_3d.pkl", 12, people=2, classes=names)
    return single + load_split([pair], ["train"])
