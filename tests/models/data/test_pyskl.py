import pickle

import numpy as np
import pytest

from models.data.pyskl import hold_out, load_split, read, read_label_map, relabel
from models.errors import UserError
from models.skeleton import LAYOUTS
from tests.skeletons import dataset


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('the pickle ran code')",))


def test_a_published_file_is_coco_at_30_frames_a_second(tmp_path):
    data = read(dataset(tmp_path / "ntu60_hrnet.pkl", people=2, dtype=np.float16))
    clip = data.clips["clip00"]
    assert clip.keypoints.shape[0] == 2
    assert clip.keypoints.shape[2:] == (17, 3)
    assert clip.keypoints.dtype == np.float32
    assert np.diff(clip.times) == pytest.approx(1 / 30)
    assert clip.name == "ntu60_hrnet/clip00"
    assert data.classes == ["class 0", "class 1"]
    assert clip.label == "class 0"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_becomes_coco(tmp_path, layout):
    clip = read(dataset(tmp_path / "a.pkl", layout=layout)).clips["clip00"]
    points = clip.keypoints[0].mean(axis=0)
    assert points[5, 0] > points[6, 0]  # the left shoulder, right in the picture
    assert points[0, 1] < points[5, 1] < points[11, 1] < points[13, 1] < points[15, 1]
    assert (points[:, 2] > 0)[[0, *range(5, 17)]].all()
    assert np.diff(clip.times) == pytest.approx(1 / 15)


def test_a_layout_can_be_given(tmp_path):
    path = dataset(tmp_path / "a.pkl", layout="ntu25")
    content = pickle.loads(path.read_bytes())
    del content["layout"]
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match="25 joints but its layout has 17"):
        read(path)
    assert read(path, "ntu25").clips["clip00"].keypoints.shape[2] == 17


def test_a_passer_by_is_left_out(tmp_path):
    path = dataset(tmp_path / "a.pkl", people=2)
    content = pickle.loads(path.read_bytes())
    for annotation, part in zip(content["annotations"], (0.1, 0.5), strict=False):
        annotation["keypoint_score"][0, int(part * annotation["total_frames"]) :] = 0
    path.write_bytes(pickle.dumps(content))
    clips = read(path).clips
    assert [len(clips[f"clip0{index}"].keypoints) for index in (0, 1, 2)] == [1, 2, 2]
    alone = clips["clip00"].keypoints[0, ..., 2]
    assert alone.all()


def test_pickles_cannot_run_code(tmp_path):
    path = tmp_path / "bomb.pkl"
    path.write_bytes(pickle.dumps({"annotations": [Bomb()], "split": {}}))
    with pytest.raises(UserError, match=r"bomb\.pkl .*exec"):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no pickle", "as a pickle"),
        (pickle.dumps([1]), "holds a list"),
        (pickle.dumps({}), "anno"),
    ],
)
def test_other_files_are_the_users_error(tmp_path, content, message):
    path = tmp_path / "file.pkl"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read(path)
    with pytest.raises(UserError, match="No such file"):
        read(tmp_path / "missing.pkl")


def test_3d_files_are_refused(tmp_path):
    path = dataset(tmp_path / "ntu60_3danno.pkl")
    content = pickle.loads(path.read_bytes())
    for annotation in content["annotations"]:
        annotation["keypoint"] = np.zeros((1, 5, 25, 3), np.float32)
        del annotation["keypoint_score"]
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match="3D skeletons; use the 2D"):
        read(path)


def test_the_two_people_seen_most_are_kept(tmp_path):
    path = dataset(tmp_path / "crowd.pkl", people=4)
    content = pickle.loads(path.read_bytes())
    annotation = content["annotations"][0]
    annotation["keypoint_score"][:] = np.array([0.1, 0.9, 0.0, 0.8])[:, None, None]
    path.write_bytes(pickle.dumps(content))
    kept = read(path).clips["clip00"].keypoints
    assert kept[:, 0, 5, 2].tolist() == pytest.approx([0.9, 0.8])
    assert np.allclose(kept[0, 0, :, :2], annotation["keypoint"][1, 0])


def test_splits_of_several_files(tmp_path):
    paths = [dataset(tmp_path / f"{name}.pkl", seed=seed) for seed, name in enumerate("ab")]
    assert len(load_split(paths, ["train", "test"])) == 24
    assert {clip.name.split("/")[0] for clip in load_split(paths, ["test"])} == {"a", "b"}
    with pytest.raises(UserError, match="none of these splits, only: train, test"):
        load_split(paths, ["validation"])


def test_fingerprints_tell_clips_apart_whatever_their_names(tmp_path):
    one = load_split([dataset(tmp_path / "a.pkl")], ["train"])
    two = load_split([dataset(tmp_path / "b.pkl")], ["train"])
    assert [clip.fingerprint for clip in one] == [clip.fingerprint for clip in two]
    assert len({clip.fingerprint for clip in one}) == len(one)
    assert not {clip.name for clip in one} & {clip.name for clip in two}


def test_labels_are_mapped_or_left_out(tmp_path):
    clips = load_split([dataset(tmp_path / "a.pkl", layout="msr20")], ["train"])
    mapping = tmp_path / "map.json"
    mapping.write_text('{"wave": "greet", "squat": null}')
    assert {clip.label for clip in relabel(clips, read_label_map(mapping))} == {"greet"}
    mapping.write_text('{"wave": "greet"}')
    with pytest.raises(UserError, match="lacks the class 'squat'"):
        relabel(clips, read_label_map(mapping))
    mapping.write_text('["wave"]')
    with pytest.raises(UserError, match="JSON object"):
        read_label_map(mapping)


def test_validation_is_a_split_a_subject_or_a_fifth(tmp_path):
    folds = dataset(tmp_path / "folds.pkl", clips=12)
    people, plain = dataset(tmp_path / "people.pkl", seed=1), dataset(tmp_path / "plain.pkl", 30)
    content = pickle.loads(people.read_bytes())
    for index, annotation in enumerate(content["annotations"]):
        annotation["subject"] = 1 + 2 * (index % 3)
    people.write_bytes(pickle.dumps(content))
    clips = load_split([folds], ["train", "test"])
    for path in (people, plain):
        clips += load_split([path], ["train"])
    renamed = [clip for clip in clips if clip.file != "folds"]
    rest, held = hold_out(renamed, [])
    assert {clip.subject for clip in held if clip.file == "people"} == {5}
    assert 5 not in {clip.subject for clip in rest}
    fifth = [clip.label for clip in held if clip.file == "plain"]
    assert sorted(fifth) == ["class 0"] * 2 + ["class 1"] * 2
    rest, held = hold_out([clip for clip in clips if clip.file == "folds"], ["test"])
    assert {tuple(clip.splits) for clip in held} == {("test",)}
    assert len(rest) == 8
