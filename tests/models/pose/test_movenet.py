"""MoveNet, loaded by MMPose, against its original graphs (weights/reference_movenet.py)."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmpose.apis import inference_bottomup, inference_topdown, init_model
from scipy.special import expit

from models.pose.estimators import CONFIGS, WEIGHTS
from models.pose.movenet import FitLongSide, decode_many, decode_one

DATA = Path(__file__).parents[2] / "data" / "movenet"
REFERENCE = np.load(DATA / "reference.npz")
SINGLE = [f"{model}_{label}" for model in ("lightning", "thunder") for label in ("walk", "kick")]
MULTI = ["multipose_square", "multipose_wide", "multipose_tall"]
MAPS = ("center", "kpt_heatmap", "kpt_regress", "kpt_offset", "box_scale", "box_offset")


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def networks():
    return {
        name: init_model(
            str(CONFIGS / f"movenet_{name}.py"), str(WEIGHTS / f"movenet_{name}.pth"), "cpu"
        )
        for name in ("lightning", "thunder", "multipose")
    }


def head_maps(networks, case):
    model = networks[case.split("_")[0]]
    picture = cv2.imread(str(DATA / f"{case}.jpg"))
    batch = {"inputs": [torch.from_numpy(picture).permute(2, 0, 1)], "data_samples": []}
    return model.head(model.extract_feat(model.data_preprocessor(batch)["inputs"]))


@pytest.mark.parametrize("case", SINGLE + MULTI)
def test_head_maps_are_close(networks, case):
    maps = head_maps(networks, case)
    height, width = maps[0].shape[-2:]
    everywhere = torch.arange(height * width)[None]
    for name, ours in zip(MAPS, maps, strict=False):
        if callable(ours):
            ours = ours(everywhere).transpose(1, 2).unflatten(2, (height, width))
        theirs = REFERENCE[f"{case}/{name}"].astype(np.float32)
        if name in ("center", "kpt_heatmap"):
            theirs = expit(theirs)
        ours = ours[0].permute(1, 2, 0)[::4, ::4].numpy()
        np.testing.assert_allclose(ours, theirs, atol=0.005, rtol=0.002, err_msg=name)


@pytest.mark.parametrize("case", SINGLE)
def test_single_person_agrees(networks, case):
    maps = head_maps(networks, case)
    keypoints, scores = (t[0].numpy() for t in decode_one(*maps))
    theirs = REFERENCE[f"{case}/output"].reshape(17, 3)
    size = maps[0].shape[-1] * 4
    np.testing.assert_allclose(keypoints, theirs[:, 1::-1] * size, atol=1)
    np.testing.assert_allclose(scores, theirs[:, 2], atol=0.01)


@pytest.mark.parametrize("case", MULTI)
def test_six_people_agree(networks, case):
    maps = head_maps(networks, case)
    keypoints, scores, boxes, person_scores = (t[0].numpy() for t in decode_many(*maps, people=6))
    theirs = REFERENCE[f"{case}/output"].reshape(6, 56)
    height, width = (4 * side for side in maps[0].shape[-2:])
    joints = theirs[:, :51].reshape(6, 17, 3)
    np.testing.assert_allclose(keypoints, joints[..., 1::-1] * (width, height), atol=1)
    np.testing.assert_allclose(scores, joints[..., 2], atol=0.01)
    corners = theirs[:, [52, 51, 54, 53]] * (width, height, width, height)
    np.testing.assert_allclose(boxes, corners, atol=1)
    np.testing.assert_allclose(person_scores, theirs[:, 55], atol=0.01)


def test_more_people_than_six(networks):
    maps = head_maps(networks, "multipose_tall")
    six, twenty = (decode_many(*maps, people=n) for n in (6, 20))
    assert twenty[0].shape == (1, 20, 17, 2)
    for of_six, of_twenty in zip(six, twenty, strict=True):
        np.testing.assert_allclose(of_twenty[:, :6], of_six, atol=1e-4)


def test_topdown_inference_is_in_pixels_of_the_image(networks):
    """A crop of a person, pasted into a larger image, gives the same joints, shifted."""
    crop = cv2.imread(str(DATA / "lightning_walk.jpg"))
    picture = np.zeros((400, 500, 3), np.uint8)
    picture[150:342, 200:392] = crop
    model = networks["lightning"]
    half = 192 / 2 / model.cfg.padding
    box = np.array([[296 - half, 246 - half, 296 + half, 246 + half]], np.float32)
    (sample,) = inference_topdown(model, picture, box)
    joints = REFERENCE["lightning_walk/output"].reshape(17, 3)
    found = sample.pred_instances
    np.testing.assert_allclose(found.keypoints[0], joints[:, 1::-1] * 192 + (200, 150), atol=1)
    np.testing.assert_allclose(found.keypoint_scores[0], joints[:, 2], atol=0.01)


def test_bottomup_inference_is_in_pixels_of_the_image(networks):
    picture = cv2.imread(str(DATA / "multipose_wide.jpg"))
    (sample,) = inference_bottomup(networks["multipose"], picture)
    best = REFERENCE["multipose_wide/output"].reshape(6, 56)[0]
    found = sample.pred_instances
    joints = best[:51].reshape(17, 3)
    np.testing.assert_allclose(found.keypoints[0], joints[:, 1::-1] * (512, 288), atol=1)
    np.testing.assert_allclose(found.bbox_scores[0], best[55], atol=0.01)
    assert (found.bbox_scores >= networks["multipose"].cfg.model.test_cfg.score_thr).all()
    x1, y1, x2, y2 = found.bboxes[0]
    assert (joints[:, 1] * 512 > x1 - 8).all() and (joints[:, 1] * 512 < x2 + 8).all()
    assert (joints[:, 0] * 288 > y1 - 8).all() and (joints[:, 0] * 288 < y2 + 8).all()


def test_sides_must_be_multiples_of_32(networks):
    with pytest.raises(ValueError, match="multiples of 32"):
        networks["multipose"].backbone(torch.zeros(1, 3, 100, 64))


@pytest.mark.parametrize("shape", [(1080, 1920), (1920, 1080), (33, 500), (256, 256)])
def test_fit_long_side(shape):
    """The input covers the image at its own aspect ratio."""
    height, width = shape
    picture = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    fitted = FitLongSide(512)({"img": picture})
    size = np.array(fitted["input_size"])
    assert fitted["img"].shape[1::-1] == tuple(size) and not (size % 32).any()
    assert size.max() == 512
    scale = size / fitted["input_scale"]
    np.testing.assert_allclose(scale, 512 / max(shape))  # the aspect ratio is kept
    corner = fitted["input_center"] - fitted["input_scale"] / 2  # of the input, in the picture
    assert (corner <= 0).all() and (corner + fitted["input_scale"] >= (width, height)).all()


def test_an_item_can_have_its_own_long_side():
    fitted = FitLongSide(512)({"img": np.zeros((100, 200, 3), np.uint8), "long_side": 256})
    assert fitted["input_size"] == (256, 128)
