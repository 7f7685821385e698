"""The compiled networks against the PyTorch ones, which are the reference."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from mmpose.apis import inference_topdown, init_model

from models.action.strl import STRL
from models.errors import UserError
from models.files import CONFIGS, WEIGHTS
from models.pose.crops import crop_person, fit_long_side
from models.pose.estimators import Bottomup, Topdown, load_config
from models.runtime import graphs
from models.runtime.compiled import (
    CompiledBottomup,
    CompiledSTRL,
    CompiledTopdown,
    graph_code,
)
from models.runtime.export import export_strl
from models.runtime.graphs import Graph
from pipeline.source import open_source
from tests.test_rooms import GRAPH, KNOWN

DATA = Path(__file__).parents[2] / "data"
STRL_WEIGHTS = WEIGHTS / "strl.safetensors"


def frames(name, stride):
    with open_source(DATA / name, stride) as source:
        return [frame.image for frame in source]


@pytest.fixture(scope="module")
def pictures():
    return frames("two_people.mp4", 20) + frames("walk.mp4", 30)


@pytest.fixture(scope="module")
def people(pictures):
    """Boxes [P, 5] of the people in each picture."""
    detector = CompiledBottomup("movenet_multipose")
    found = [detector(picture, 512)[0] for picture in pictures]
    assert sum(map(len, found)) > 12
    return found


def shared_joints(found, expected, scale):
    """Fraction of joints that agree within 2 pixels of the network's input."""
    distance = np.linalg.norm(found[..., :2] - expected[..., :2], axis=-1) / scale
    return np.mean(distance < 2)


@pytest.mark.parametrize("name", ["movenet_lightning", "movenet_thunder"])
def test_crops_equal_those_of_mmpose(name, pictures, people):
    pipeline = Topdown(CONFIGS / f"{name}.py").pipeline
    compiled = CompiledTopdown(name)
    odd = np.float32([[-40, 30, 200, 90], [1200.3, 400.7, 1500, 900], [50, 50, 50, 50]])
    for picture, boxes in zip(pictures, people, strict=True):
        for box in [*boxes[:, :4], *odd]:
            expected = pipeline({"img": picture, "bbox": box[None], "bbox_score": np.ones(1)})
            crop = crop_person(picture, box, compiled.padding, compiled.size)
            np.testing.assert_array_equal(crop.image, expected["inputs"].numpy().transpose(1, 2, 0))
            place = expected["data_samples"].metainfo
            np.testing.assert_array_equal(crop.center, place["input_center"])
            np.testing.assert_array_equal(crop.extent, place["input_scale"])


@pytest.mark.parametrize("degrees", [30, 90, 180, -135])
def test_turned_crops_equal_those_of_mmpose(pictures, degrees):
    from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine

    box = np.float32([110, 20, 300, 190])
    results = {"img": pictures[0], "bbox": box[None], "bbox_rotation": np.array([degrees])}
    expected = TopdownAffine((192, 192))(GetBBoxCenterScale(1.2)(results))
    crop = crop_person(pictures[0], box, 1.2, (192, 192), np.radians(degrees))
    difference = np.abs(crop.image.astype(int) - expected["img"])
    assert np.quantile(difference, 0.999) <= 2, "but for rounding"


@pytest.mark.parametrize("name", ["movenet_lightning", "movenet_thunder"])
def test_a_turned_picture_in_a_turned_crop_has_the_same_joints(name, pictures, people):
    compiled, mmpose = CompiledTopdown(name), Topdown(CONFIGS / f"{name}.py")
    mmpose.load(WEIGHTS / f"{name}.pth")
    picture, box = pictures[0], people[0][0, :4]
    side, middle = max(box[2:] - box[:2]), (box[:2] + box[2:]) / 2
    square = np.concatenate([middle - side / 2, middle + side / 2])[None]
    upright = compiled(picture, square, np.zeros(1, np.float32))
    quarter = np.ascontiguousarray(np.rot90(picture, -1))  # clockwise
    width = quarter.shape[1] - 1
    center = np.array([width - middle[1], middle[0]], np.float32)
    turned = np.concatenate([center - side / 2, center + side / 2])[None]
    expected = np.stack((width - upright[..., 1], upright[..., 0]), -1)
    for model in (compiled, mmpose):
        found = model(quarter, turned, np.array([np.pi / 2], np.float32))
        seen = upright[..., 2] > 0.3
        assert np.abs(found[..., :2] - expected)[seen].max() < 0.02 * side


def test_crops_of_another_aspect_ratio_equal_those_of_mmpose(pictures):
    from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine

    for box in np.float32([[10, 20, 300, 90], [10, 20, 90, 400]]):
        results = {"img": pictures[0], "bbox": box[None]}
        expected = TopdownAffine((192, 256))(GetBBoxCenterScale(1.25)(results))
        crop = crop_person(pictures[0], box, 1.25, (192, 256))
        np.testing.assert_array_equal(crop.image, expected["img"])
        np.testing.assert_array_equal(crop.extent, expected["input_scale"])


def test_the_whole_image_keeps_its_aspect_ratio():
    picture = np.zeros((442, 1280, 3), np.uint8)
    picture[:, 638:642] = 255
    crop = fit_long_side(picture, 512)
    assert crop.size == (512, 192) and crop.image.shape == (192, 512, 3)
    column = np.flatnonzero(crop.image[96, :, 0])
    assert np.abs(crop.to_image(np.array([column.mean(), 96.0])) - (640, 221)).max() < 2


@pytest.mark.parametrize("name", ["movenet_lightning", "movenet_thunder"])
def test_joints_agree_with_mmpose(name, pictures, people):
    reference = init_model(
        load_config(CONFIGS / f"{name}.py"), str(WEIGHTS / f"{name}.pth"), device="cpu"
    )
    reference.test_cfg["flip_test"] = False
    compiled = CompiledTopdown(name)
    assert compiled.threshold == load_config(CONFIGS / f"{name}.py").keypoint_threshold
    shares = []
    for picture, boxes in zip(pictures[::3], people[::3], strict=True):
        if not len(boxes):
            continue
        samples = inference_topdown(reference, picture, boxes[:, :4])
        expected = np.concatenate([sample.pred_instances.keypoints for sample in samples])
        scores = np.concatenate([sample.pred_instances.keypoint_scores for sample in samples])
        found = compiled(picture, boxes[:, :4], np.zeros(len(boxes), np.float32))
        assert found.shape == (len(boxes), 17, 3) and found.dtype == np.float32
        np.testing.assert_allclose(found[..., 2], scores, atol=1e-3)
        sides = [s.metainfo["input_scale"].max() / compiled.size[0] for s in samples]
        shares.append(shared_joints(found, expected, np.array(sides)[:, None]))
    assert np.mean(shares) >= 0.99


@pytest.mark.parametrize("long_side", [512, 320])
def test_people_agree_with_mmpose(pictures, long_side):
    compiled, reference = CompiledBottomup("movenet_multipose"), Bottomup("movenet_multipose")
    upright = [np.ascontiguousarray(picture[:, 400:700]) for picture in pictures[:3]]
    for picture in pictures[::4] + upright[:1]:
        boxes, keypoints = compiled(picture, long_side)
        expected_boxes, expected_keypoints = reference(picture, long_side)
        np.testing.assert_allclose(boxes, expected_boxes, atol=0.1)
        scale = max(picture.shape) / long_side
        assert len(keypoints) == 0 or shared_joints(keypoints, expected_keypoints, scale) >= 0.99


def test_another_threshold(pictures):
    scores = CompiledBottomup("movenet_multipose", threshold=0.0)(pictures[-1], 256)[0][:, 4]
    assert len(scores) == 20
    strict = CompiledBottomup("movenet_multipose", threshold=scores.max() + 0.01)
    boxes, keypoints = strict(pictures[-1], 256)
    assert boxes.shape == (0, 5) and keypoints.shape == (0, 17, 3)


@pytest.mark.parametrize("windows", [1, 2, 5])
def test_probabilities_agree_with_strl(windows):
    reference, compiled = STRL.load(STRL_WEIGHTS), CompiledSTRL(STRL_WEIGHTS)
    assert compiled.labels == reference.labels
    assert compiled.thresholds == reference.thresholds
    rng = np.random.default_rng(windows)
    window = rng.normal(0, 1, (windows, 2, 64, 17, 2)).astype(np.float32)
    present = rng.uniform(0, 1, (windows, 2, 64, 17)) < 0.8
    present[0, 1] = False
    present[-1, 0, :30] = False
    window[~present] = 0
    found = compiled.answer(window, present)
    expected = reference.answer(window, present)
    np.testing.assert_allclose(found, expected, atol=2e-3)  # its weights are in half precision
    whole = Graph(export_strl(STRL_WEIGHTS))
    np.testing.assert_allclose(whole(window, present)[0], expected, atol=1e-5)
    assert np.abs(found.sum(1) - 1).max() < 1e-5


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv(graphs.CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_graph_is_exported_once_and_again_when_its_files_change(cache, tmp_path, capsys):
    made = []

    def export():
        made.append(len(made))
        return b"graph %d" % made[-1]

    file = tmp_path / "weights"
    file.write_bytes(b"old")
    assert [graphs.exported([file], export) for _ in range(2)] == [b"graph 0"] * 2
    assert "once" in capsys.readouterr().err
    file.write_bytes(b"new")
    assert graphs.exported([file], export) == b"graph 1"
    file.write_bytes(b"old")
    assert graphs.exported([file], export) == b"graph 0"
    assert len(list(cache.iterdir())) == 2


def test_a_fingerprint_covers_all_code_that_the_exporter_imports():
    config = load_config(CONFIGS / "movenet_lightning.py")
    reached, waiting = set(), {"models.runtime.export", *config.custom_imports.imports}
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting |= GRAPH[module] - reached
    assert {"models.action.gin", "models.pose.movenet", "models.skeleton"} <= reached
    assert {KNOWN[module] for module in reached} <= set(graph_code())


def test_without_a_cache_it_still_works(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv(graphs.CACHE, str(tmp_path / "file"))
    assert graphs.exported([STRL_WEIGHTS], lambda: b"graph") == b"graph"
    assert "cannot cache" in capsys.readouterr().err


DAMAGES = {
    "cut": lambda data: data[:-1],
    "empty": lambda data: b"",
    "changed": lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
    "zeroed": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_graph_in_the_cache_is_exported_again_once(cache, tmp_path, kind):
    file, exports = tmp_path / "weights", []
    file.write_text("a")

    def export():
        exports.append(1)
        return b"a graph of some length"

    graphs.exported([file], export)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[kind](whole))
    assert [graphs.exported([file], export) for _ in range(2)] == [b"a graph of some length"] * 2
    assert len(exports) == 2 and path.read_bytes() == whole


def test_a_full_disk_leaves_nothing_in_the_cache(cache, tmp_path, capsys):
    resource = pytest.importorskip("resource", reason="file size limits are Unix's")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        graph = graphs.exported([STRL_WEIGHTS], lambda: bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert graph == bytes(2000) and list(cache.iterdir()) == []
    assert "cannot cache" in capsys.readouterr().err


def test_missing_weights_are_named(cache, tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        CompiledSTRL(tmp_path / "none")
    assert not cache.exists()


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="has CUDA"
)
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps", "quantum"])
def test_devices_that_onnx_runtime_does_not_have(device):
    with pytest.raises(UserError, match="--runtime torch"):
        CompiledSTRL(STRL_WEIGHTS, device)


def test_pytorch_is_not_loaded_for_the_default():
    program = (
        "import sys; from pipeline.engine import Pipeline; "
        "Pipeline(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3], check=True)
