import re
from xml.etree import ElementTree

import numpy as np

from pipeline.web.moving import RATE, SIDES, SIZE, moving_skeletons
from tests.pipeline.web.lessons import skeletons


def drawing(take):
    return ElementTree.fromstring(moving_skeletons(take))


def test_a_take_moves_within_its_drawing():
    paths = drawing(skeletons())
    assert [path.get("class") for path in paths] == list(SIDES)
    for path in paths:
        frames = path[0].get("values").split(";")
        assert len(frames) == int(44 / 15 * RATE)
        numbers = list(map(int, re.findall(r"-?\d+", path[0].get("values"))))
        assert min(numbers) >= 0 and max(numbers) <= SIZE
    assert len(set(paths[0][0].get("values").split(";"))) > 3, "it waves"
    assert paths[0][0].get("dur") == "2.93s"


def test_joints_that_are_absent_are_not_drawn():
    take = skeletons()
    take.keypoints[0, :, 9] = 0  # the left wrist
    whole, without = drawing(skeletons())[0].get("d"), drawing(take)[0].get("d")
    assert without.count("M") == whole.count("M") - 1


def test_a_moment_without_anybody_is_empty():
    take = skeletons()
    take.keypoints[0, 20:26] = 0
    assert "M0 0" in drawing(take)[0][0].get("values").split(";")
    assert np.isfinite(take.keypoints).all()
