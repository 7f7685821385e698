"""The graphs that are shipped beside the weights: of these weights, of this code, and as good."""

import json
import shutil

import numpy as np
import onnx
import pytest

from models.errors import UserError
from models.files import CONFIGS, WEIGHTS
from models.runtime import graphs
from models.runtime.beside import place, read_beside
from models.runtime.compiled import CompiledSTRL
from models.runtime.export import export_pose, export_strl, write_beside
from models.runtime.graphs import Graph
from models.runtime.half import LEAST
from pipeline.engine import Pipeline
from pipeline.source import open_source
from tests.pipeline.videos import CLIPS
from weights.export import bundled

BUNDLED = bundled()
REMEDY = "run python weights/export.py"
NAMES = [weights.stem for weights in BUNDLED]


@pytest.fixture
def copy(tmp_path):
    """The bundled classifier and its graph, in another folder."""
    for path in (WEIGHTS / "strl.safetensors", WEIGHTS / "strl.onnx"):
        shutil.copy(path, tmp_path)
    return tmp_path / "strl.safetensors"


@pytest.mark.parametrize("weights", BUNDLED, ids=NAMES)
def test_every_shipped_graph_is_made_from_the_shipped_weights(weights):
    assert read_beside(weights), f"{place(weights).name} is not of {weights.name}: {REMEDY}"


def test_all_of_them_are_less_than_30_megabytes():
    assert sum(path.stat().st_size for path in WEIGHTS.glob("*.onnx")) < 30e6
    assert sorted(WEIGHTS.glob("*.onnx")) == sorted(map(place, BUNDLED))


def test_nothing_is_exported_for_the_bundled_networks(monkeypatch, tmp_path):
    monkeypatch.setenv(graphs.CACHE, str(tmp_path / "cache"))
    assert Pipeline().labels
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
@pytest.mark.parametrize("weights", BUNDLED, ids=NAMES)
def test_an_export_gives_the_shipped_graph(weights, tmp_path):
    """Weights apart, by which processors may differ in the last bit."""
    shutil.copy(weights, tmp_path)
    new = onnx.load(write_beside(tmp_path / weights.name))
    old = onnx.load(place(weights))
    stored = [{tensor.name: tensor for tensor in model.graph.initializer} for model in (old, new)]
    assert stored[0].keys() == stored[1].keys(), REMEDY
    for name in stored[0]:
        before, after = (onnx.numpy_helper.to_array(tensors[name]) for tensors in stored)
        assert before.dtype == after.dtype, REMEDY
        np.testing.assert_allclose(after, before, rtol=2e-3, atol=1e-6, err_msg=REMEDY)
    for model in (old, new):
        del model.graph.initializer[:]
        model.ClearField("producer_version")
    assert new == old, REMEDY


@pytest.mark.slow
@pytest.mark.parametrize("weights", BUNDLED[:-1], ids=NAMES[:-1])
def test_half_precision_moves_no_keypoint_by_a_tenth_of_a_pixel(weights):
    half = Graph(read_beside(weights))
    whole = Graph(export_pose(CONFIGS / f"{weights.stem}.py", weights))
    with open_source(CLIPS / "two_people.mp4", max_seconds=0.1) as source:
        image = next(iter(source)).image
    side = half.settings.get("size", [320])[0]
    least = np.array(half.settings["threshold"], np.float32)
    threshold = [] if "size" in half.settings else [least]
    for corner in (0, 100):
        picture = image[corner : corner + side, corner : corner + side][None]
        found, expected = (graph(picture, *threshold) for graph in (half, whole))
        assert np.abs(found[0] - expected[0]).max() < 0.1, "pixels of the input"
        np.testing.assert_allclose(found[1], expected[1], atol=1e-3)


def test_half_precision_halves_what_is_large():
    model = onnx.load(WEIGHTS / "movenet_lightning.onnx")
    large = [tensor for tensor in model.graph.initializer if np.prod(tensor.dims) >= LEAST]
    assert len(large) > 40
    assert {tensor.data_type for tensor in large} == {onnx.TensorProto.FLOAT16}


def test_a_graph_of_other_weights_is_not_used(copy):
    assert read_beside(copy) == (WEIGHTS / "strl.onnx").read_bytes()
    with copy.open("ab") as file:
        file.write(b" ")
    assert read_beside(copy) is None


def test_without_a_graph_there_is_none(copy):
    place(copy).unlink()
    assert read_beside(copy) is None
    copy.unlink()
    with pytest.raises(UserError, match="cannot read"):
        read_beside(copy)


def test_a_damaged_graph_is_one_line(copy):
    graph = place(copy)
    content = graph.read_bytes()
    graph.write_bytes(content[1000:])
    with pytest.raises(UserError, match=r"\.onnx is damaged") as said:
        CompiledSTRL(copy)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("labels", [], "labels"),
        ("labels", [{"name": "wave", "people": 9}], "labels.0.people"),
        ("thresholds", {"1": 2.0}, "thresholds"),
    ],
)
def test_what_a_graph_says_of_itself_is_checked(copy, name, value, said):
    rewrite(place(copy), name, value)
    with pytest.raises(UserError, match=f"cannot read the graph of .*: {said}"):
        CompiledSTRL(copy)


def test_labels_of_a_graph_can_be_printed(copy):
    rewrite(place(copy), "labels", [{"name": "\x1b[2J", "people": 1}])
    assert [label.name for label in CompiledSTRL(copy).labels] == [r"\x1b[2J"]


def rewrite(graph, name, value):
    """Change a setting in a graph."""
    model = onnx.load(graph)
    (entry,) = (entry for entry in model.metadata_props if entry.key == name)
    entry.value = json.dumps(value)
    onnx.save(model, graph)


def test_other_files_are_not_exported(tmp_path):
    with pytest.raises(UserError, match=r"name a \.safetensors file"):
        write_beside(tmp_path / "notes.txt")


def test_the_classifier_answers_as_its_checkpoint(copy):
    """Labels, thresholds and temperature travel with the graph."""
    window = np.random.default_rng(0).normal(0, 1, (2, 2, 64, 17, 2)).astype(np.float32)
    present = np.ones((2, 2, 64, 17), bool)
    whole = Graph(export_strl(copy))
    shipped = CompiledSTRL(copy)
    assert [vars(label) for label in shipped.labels] == whole.settings["labels"]
    np.testing.assert_allclose(
        shipped.answer(window, present), whole(window, present)[0], atol=2e-3
    )
