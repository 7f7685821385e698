"""Clips of one person and of two, to make windows of."""

import pytest

from models.data.pyskl import load_split
from tests.skeletons import dataset


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    single = load_split([dataset(folder / "single.pkl", clips=12)], ["train"])
    pair = dataset(folder / "pair.pkl", clips=12, people=2, seed=1, classes=["hug", "push"])
    return single + load_split([pair], ["train"])
