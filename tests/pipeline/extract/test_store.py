from dataclasses import replace

import numpy as np
import pytest

from models.data.imports.given import Given
from models.data.recording import Skeletons
from models.errors import UserError
from models.files import CONFIGS, ROOT, WEIGHTS
from pipeline.extract.store import Store, extraction_code
from pipeline.extract.video import Settings
from tests.models.data.imports import formats
from tests.pipeline.bodies import body
from tests.test_rooms import GRAPH, KNOWN


def skeletons(**changed):
    keypoints = np.array([[body(t) for t in range(5)]] * 2, np.float32)
    clip = Skeletons(np.arange(5) / 30, (64, 48), keypoints, None, 7, 0.25, "is damaged")
    return replace(clip, **changed)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store", Settings())


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"problem": None, "space": np.ones((2, 5, 17, 4), np.float32)},
        {"keypoints": np.zeros((0, 5, 17, 3), np.float32), "found": 0},
    ],
)
def test_what_is_put_in_is_got_back(store, changed):
    assert store.get("a") is None
    clip = skeletons(**changed)
    store.put("a", clip)
    back = store.get("a")
    for name in ("size", "found", "near", "problem"):
        assert getattr(back, name) == getattr(clip, name)
    for name in ("times", "keypoints", "space"):
        np.testing.assert_array_equal(getattr(back, name), getattr(clip, name))
    assert [file.name for file in store.folder.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("kept", [0, 10, 200, -5])
def test_a_damaged_entry_is_done_again(store, kept):
    store.put("a", skeletons())
    (file,) = store.folder.iterdir()
    file.write_bytes(file.read_bytes()[:kept])
    assert store.get("a") is None


def test_a_key_is_the_content_and_the_settings(tmp_path, store):
    clip, same, other = (tmp_path / name for name in ("a.mp4", "b.mp4", "c.mp4"))
    for path, text in ((clip, "x"), (same, "x"), (other, "y")):
        path.write_text(text)
    keys = [store.key(path) for path in (clip, same, other)]
    assert keys[0] == keys[1] != keys[2]
    accurate = Store(store.folder, Settings(pose="movenet-thunder"))
    assert accurate.key(clip) not in keys
    assert Store(store.folder, Settings(threads=1)).key(clip) == keys[0]
    assert Store(store.folder, Settings(given=Given(fps=9))).key(clip) == keys[0]
    with pytest.raises(UserError, match="cannot be read"):
        store.key(tmp_path / "none.mp4")


def test_what_is_said_of_other_programs_files_counts_for_them(tmp_path, store):
    formats.table(tmp_path / "a.csv")
    other = Store(store.folder, Settings(given=Given(fps=9)))
    assert other.key(tmp_path / "a.csv") != store.key(tmp_path / "a.csv")


def test_every_frame_of_openpose_counts(tmp_path, store):
    formats.openpose(tmp_path / "a", frames=3)
    first, _, last = sorted((tmp_path / "a").iterdir())
    before = store.key(first)
    last.write_text("{}")
    assert store.key(first) != before


def test_weights_and_code_count(tmp_path, monkeypatch, store):
    clip = tmp_path / "a.mp4"
    clip.write_text("x")
    mine = tmp_path / "mine.pth"
    mine.write_bytes((WEIGHTS / "movenet_lightning.pth").read_bytes())
    own = Settings(pose_config=CONFIGS / "movenet_lightning.py", pose_checkpoint=mine)
    before = Store(tmp_path, own).key(clip)
    mine.write_bytes(b"other")
    assert Store(tmp_path, own).key(clip) != before
    code = tmp_path / "code.py"
    monkeypatch.setattr("pipeline.extract.store.extraction_code", lambda: [code])
    keys = set()
    for text in ("1", "2"):
        code.write_text(text)
        keys.add(Store(tmp_path, Settings()).key(clip))
    assert len(keys) == 2


def test_all_code_that_makes_skeletons_counts():
    """All that extraction imports, but for the classifier and the training it came from."""
    used, new = set(), {"pipeline.extract.video"}
    while new:
        used |= new
        new = {other for module in new for other in GRAPH[module]} - used
    files = {KNOWN[module] for module in used if not module.startswith("models.action")}
    counted = set(extraction_code())
    missing = {file.relative_to(ROOT).as_posix() for file in files - counted}
    packages = {name for name in missing if name.endswith("__init__.py")}
    assert missing - packages <= {
        "models/data/pyskl.py",
        "models/data/camera.py",
        "models/data/sources.py",
    }
    assert ROOT / "pipeline" / "track.py" in counted


def test_a_store_that_cannot_be_written_is_the_users_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        Store(tmp_path / "file", Settings()).put("a", skeletons())
