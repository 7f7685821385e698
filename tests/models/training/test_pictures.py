import cv2
import numpy as np
import pytest

from models.errors import UserError
from models.sample import STEPS
from models.training.evaluation import Evaluation, Mistake
from models.training.pictures import draw_confusion, draw_mistakes


def mistake(label, answer, probability=0.9):
    joints = np.random.default_rng(0).normal(size=(2, STEPS, 17, 2)).astype(np.float32)
    present = np.ones((2, STEPS, 17), bool)
    present[1] = False
    return Mistake((joints, present), label, answer, probability)


def test_the_confusion_matrix_is_drawn(tmp_path):
    evaluation = Evaluation({"top-1": 0.5}, ["wave", "walk"], np.array([[3, 1], [2, 0]]), [])
    draw_confusion(evaluation, tmp_path / "confusion.png")
    assert cv2.imread(str(tmp_path / "confusion.png")).min() < 128
    with pytest.raises(UserError, match="cannot draw"):
        draw_confusion(evaluation, tmp_path / "no" / "confusion.png")


def test_a_row_for_each_kind_of_mistake(tmp_path):
    heights = []
    for mistakes in (
        [mistake("wave", "walk"), mistake("wave", "walk", 0.8)],
        [mistake("wave", "walk"), mistake("walk", "wave", 0.8)],
    ):
        draw_mistakes(mistakes, tmp_path / "mistakes.png")
        heights.append(cv2.imread(str(tmp_path / "mistakes.png")).shape[0])
    assert heights[1] == 2 * heights[0]
    with pytest.raises(UserError, match="no mistakes"):
        draw_mistakes([], tmp_path / "mistakes.png")
