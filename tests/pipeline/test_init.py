"""`from pipeline import ...` gives the public names; `import pipeline` loads nothing heavy."""

import subprocess
import sys

import pytest

import pipeline
from pipeline.engine import Pipeline
from pipeline.overlay import draw
from pipeline.source import open_source


def run_python(program):
    """What a program prints, in a Python of its own."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_public_names():
    assert pipeline.Pipeline is Pipeline
    assert pipeline.draw is draw
    assert pipeline.open_source is open_source
    assert set(pipeline.__all__) <= set(dir(pipeline))


def test_every_public_name_can_be_imported_first():
    for name in pipeline.__all__:
        program = f"from pipeline import {name}; print({name}.__name__)"
        assert run_python(program) == [name]


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pipeline.nothing
    with pytest.raises(ImportError, match="nothing"):
        from pipeline import nothing  # noqa: F401


def test_importing_the_package_loads_nothing_heavy():
    program = "import sys, pipeline; print(*sys.modules)"
    loaded = {name.partition(".")[0] for name in run_python(program)}
    assert "pipeline" in loaded
    assert loaded.isdisjoint({"cv2", "numpy", "torch", "onnxruntime", "av", "PIL"})


def test_drawing_and_reading_load_no_network():
    program = "import sys; from pipeline import draw, open_source; print(*sys.modules)"
    loaded = {name.partition(".")[0] for name in run_python(program)}
    assert "cv2" in loaded and loaded.isdisjoint({"torch", "onnxruntime"})
