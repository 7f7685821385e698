import json

import numpy as np
import pytest

from models.errors import UserError
from models.skeleton import BONES, FLIP, JOINTS, LAYOUTS, PARTS, layout, to_coco


def test_parts_cover_each_joint_once():
    assert sorted(joint for part in PARTS.values() for joint in part) == list(range(17))


def test_flip_swaps_left_and_right_and_keeps_the_bones():
    for joint, twin in enumerate(FLIP):
        swapped = JOINTS[joint].replace("left", "?").replace("right", "left").replace("?", "right")
        assert JOINTS[twin] == swapped
    flipped = {frozenset((FLIP[a], FLIP[b])) for a, b in BONES}
    assert flipped == {frozenset(bone) for bone in BONES}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_twelve_limb_joints_and_a_head(name):
    joints = LAYOUTS[name]
    assert len(joints) == int(name[-2:]) == len(set(joints))
    keypoints = np.arange(len(joints))[:, None] + np.ones((len(joints), 3), np.float32)
    coco = to_coco(keypoints, joints)
    for joint in (0, *range(5, 17)):
        source = joints[int(coco[joint, 0]) - 1]
        side, _, kind = JOINTS[joint].rpartition(" ")
        assert source.startswith(side)
        assert {"nose": "head face nose", "wrist": "wrist hand", "ankle": "ankle foot"}.get(
            kind, kind
        ).find(source.split()[-1]) >= 0


def test_joints_that_a_layout_lacks_are_missing():
    coco = to_coco(np.ones((2, 15, 3)), LAYOUTS["sbu15"])
    assert (coco[:, 1:5] == 0).all()
    assert (coco[:, 5:, 2] == 1).all()


def test_a_json_file_names_its_joints(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(["Left_Wrist", "tail", "HEAD"]))
    coco = to_coco(np.array([[1, 2, 1], [3, 4, 1], [5, 6, 1]], float), layout(str(path)))
    assert coco[9].tolist() == [1, 2, 1]
    assert coco[0].tolist() == [5, 6, 1]
    assert coco[:, 2].sum() == 2


@pytest.mark.parametrize("text", ["{}", "[1]", "[", '["tail"]'])
def test_a_bad_layout_file_raises_a_user_error(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"bad\.json"):
        layout(str(path))
    with pytest.raises(UserError, match="unknown layout"):
        layout("ntu26")
