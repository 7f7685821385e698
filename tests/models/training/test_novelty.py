import numpy as np
import pytest
import torch

from models.action.label import Label
from models.action.strl import STRL
from models.data.pyskl import load_split
from models.training.novelty import auroc, novelty
from tests.skeletons import dataset


def test_area_counted_by_hand():
    assert auroc(np.array([3.0, 4]), np.array([1.0, 2])) == 1
    assert auroc(np.array([1.0, 2]), np.array([3.0, 4])) == 0
    assert auroc(np.array([1.0, 4]), np.array([2.0])) == 0.5
    assert auroc(np.array([2.0, 4]), np.array([2.0])) == 0.75, "a tie is half"


def test_clips_that_were_trained_on_are_near_and_others_are_not(tmp_path):
    torch.manual_seed(0)
    model = STRL([Label("wave", 1)], width=8, depth=1, strides=(1,)).eval()
    clips = load_split([dataset(tmp_path / "a.pkl", layout="msr20")], ["train", "test"])
    areas = novelty(model, clips, clips, clips)
    assert set(areas) == {
        "probability of the best label",
        "energy",
        "probability of any label",
        "distance in feature space",
    }
    assert all(area == pytest.approx(0.5) for area in areas.values()), "they are the same clips"
    half = len(clips) // 2
    assert novelty(model, clips[:half], clips[half:], clips[:half] * 20)[
        "distance in feature space"
    ] == pytest.approx(1)
