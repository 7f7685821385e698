"""The pose stage: bundled networks, any other of MMPose's, and what is refused."""

import os
import shutil
from pathlib import Path
from urllib.error import URLError

import cv2
import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub

from models.errors import UserError
from models.pose.estimators import CONFIGS, WEIGHTS, load_config
from pipeline.pose import POSE_MODELS, PoseEstimator, find_model, model_index

DATA = Path(__file__).parent.parent / "data" / "movenet"
LIGHTNING = CONFIGS / "movenet_lightning.py", WEIGHTS / "movenet_lightning.pth"


@pytest.fixture(scope="module")
def picture():
    return cv2.imread(str(DATA / "multipose_wide.jpg"))


@pytest.fixture(scope="module")
def walker():
    """Box and joints of the woman in `picture`, as the original MultiPose graph sees her."""
    best = np.load(DATA / "reference.npz")["multipose_wide/output"].reshape(6, 56)[0]
    box = best[[52, 51, 54, 53]] * (512, 288, 512, 288)
    return box.astype(np.float32), best[:51].reshape(17, 3)[:, 1::-1] * (512, 288)


@pytest.fixture(scope="module", params=["movenet-lightning", "movenet-thunder"])
def pose(request):
    return PoseEstimator(request.param)


@pytest.fixture(scope="module")
def rtmpose(tmp_path_factory):
    """RTMPose-t from MMPose's own config and random weights, saved as MMEngine's runner saves."""
    from mmpose.apis import init_model

    path, _ = find_model("rtmpose-t")
    model = init_model(load_config(path), device="cpu")
    log = MessageHub.get_instance("test_pose")
    log.update_scalar("loss", 1.0)
    checkpoint = {
        "meta": {"dataset_meta": model.dataset_meta, "epoch": 1},
        "state_dict": model.state_dict(),
        "message_hub": log.state_dict(),
    }
    file = tmp_path_factory.mktemp("rtmpose") / "random.pth"
    torch.save(checkpoint, file)
    return path, file


def test_joints_of_a_real_person(pose, picture, walker):
    box, joints = walker
    (found,) = pose(picture, box[None])
    assert found.shape == (17, 3) and found.dtype == np.float32
    height = box[3] - box[1]
    seen = found[:, 2] > pose.threshold
    assert seen.mean() > 0.8
    distance = np.linalg.norm(found[:, :2] - joints, axis=1)
    assert np.median(distance[seen]) < 0.03 * height


def test_batch_is_the_people_one_by_one(pose, picture, walker):
    box = walker[0]
    boxes = np.stack((box, box + 20, np.float32([0, 0, 60, 90])))
    with_scores = np.column_stack((boxes, np.ones(3)))
    alone = [pose(picture, boxes[i : i + 1])[0] for i in range(3)]
    np.testing.assert_allclose(pose(picture, with_scores), alone, atol=1e-2)


def test_nobody(pose, picture):
    assert pose(picture, np.zeros((0, 5), np.float32)).shape == (0, 17, 3)
    assert pose(picture, []).shape == (0, 17, 3)


def test_joints_outside_the_picture_are_absent(pose, picture, walker):
    """The picture ends above the walker's hips; the networks guess where they are."""
    box = walker[0]
    low = int(box[1] + 0.4 * (box[3] - box[1]))
    cut = np.ascontiguousarray(picture[:low])
    (guessed,) = pose.model(cut, box[None, :4], np.zeros(1, np.float32))
    (found,) = pose(cut, box[None])
    below = guessed[:, 1] > low - 1
    assert (guessed[below, 2] > pose.threshold).any() and (found[below, 2] == 0).all()
    np.testing.assert_array_equal(found[~below], guessed[~below])


def test_boxes_beyond_the_picture_and_without_area(pose, picture):
    boxes = np.float32([[-500, -500, -300, -200], [50, 50, 50, 50]])
    assert np.isfinite(pose(picture, boxes)).all()


def test_thresholds_are_the_models_own(pose, rtmpose):
    expected = {256: 0.3, 192: 0.25}[pose.model.size[0]]
    assert pose.threshold == expected
    assert PoseEstimator(config=rtmpose[0], checkpoint=rtmpose[1]).threshold == 0.3


def test_another_model_of_mmpose(rtmpose, picture, walker):
    found = PoseEstimator(config=rtmpose[0], checkpoint=rtmpose[1])(picture, walker[0][None])
    assert found.shape == (1, 17, 3)
    assert ((found[..., 2] >= 0) & (found[..., 2] <= 1)).all()


@pytest.mark.parametrize("name", POSE_MODELS)
def test_every_name_is_a_model(name):
    config, checkpoint = find_model(name)
    assert config.is_file()
    assert str(checkpoint).startswith("https://") or checkpoint.is_file()


def test_alias_is_fetched_once(rtmpose, monkeypatch, tmp_path):
    fetched = []

    def download(url, path):
        fetched.append(url)
        shutil.copy(rtmpose[1], path)

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    PoseEstimator("rtmpose-t")
    PoseEstimator("rtmpose-t")
    assert len(fetched) == 1 and "rtmpose-t" in fetched[0]


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    def download(url, path):
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rtmpose-t", "cannot fetch https://.*no network"),
        ("openpose", "unknown pose model 'openpose': choose movenet-lightning"),
        ("body26", "17 COCO keypoints"),
        ("rtmo", "not a top-down pose model"),
    ],
)
def test_refused_names(no_network, name, message):
    with pytest.raises(UserError, match=message):
        PoseEstimator(name)


class Code:
    """Makes a directory when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_checkpoint_that_would_run_code(tmp_path):
    torch.save({"state_dict": {}, "meta": Code(tmp_path / "ran")}, tmp_path / "evil.pth")
    with pytest.raises(UserError, match="refused"):
        PoseEstimator(config=LIGHTNING[0], checkpoint=tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_refused_files(tmp_path):
    garbage, empty, broken = (tmp_path / name for name in ("a.pth", "b.pth", "c.py"))
    garbage.write_bytes(b"not a checkpoint at all")
    torch.save({"meta": {}}, empty)
    broken.write_text("model = dict(type=")
    other = tmp_path / "d.py"
    other.write_text("model = dict(type='NoSuchEstimator', backbone=dict(type='ResNet'))")
    config, checkpoint = LIGHTNING
    thunder = WEIGHTS / "movenet_thunder.pth"
    multipose = CONFIGS / "movenet_multipose.py"
    hand = next(model_index().glob("configs/hand_2d_keypoint/rtmpose/hand5/*.py"))
    state = torch.load(checkpoint, weights_only=True)
    state = state.get("state_dict", state)
    first = next(name for name, value in state.items() if value.ndim > 1)
    changes = {
        "shape.pth": {**state, first: state[first][:1]},
        "nan.pth": {**state, first: torch.full_like(state[first], torch.nan)},
        "numbers.pth": {0: torch.zeros(1)},
        "list.pth": {"state_dict": [1]},
        "text.pth": {**state, first: "text"},
    }
    for name, content in changes.items():
        torch.save(content, tmp_path / name)
    os.mkfifo(tmp_path / "pipe.pth")
    cases = [
        (config, tmp_path / "shape.pth", "differ in shape"),
        (config, tmp_path / "nan.pth", "not finite"),
        (config, tmp_path / "numbers.pth", "without weights"),
        (config, tmp_path / "list.pth", "without weights"),
        (config, tmp_path / "text.pth", "1 weights are missing"),
        (config, tmp_path / "pipe.pth", "a device or a pipe"),
        (config, tmp_path / "none.pth", "cannot read"),
        (tmp_path / "none.py", checkpoint, "no such config"),
        (tmp_path, checkpoint, "no such config"),
        (config, garbage, "a.pth"),
        (config, empty, "without weights"),
        (config, thunder, "does not fit"),
        (broken, checkpoint, "not a usable MMEngine config"),
        (other, checkpoint, "cannot build"),
        (multipose, checkpoint, "not a top-down pose model"),
        (hand, checkpoint, "17 COCO keypoints"),
        (config, None, "needs its checkpoint"),
        (None, checkpoint, "needs its checkpoint"),
    ]
    for config, checkpoint, message in cases:
        with pytest.raises(UserError, match=message) as caught:
            PoseEstimator(config=config, checkpoint=checkpoint)
        assert "\n" not in str(caught.value)


def test_device_that_is_not_there():
    with pytest.raises(UserError, match="device 'nonsense'"):
        PoseEstimator(device="nonsense")
