import pickle

import numpy as np
import pytest

from models.data.camera import Camera
from models.data.pyskl import (
    clip_identity,
    dataset_name,
    hold_out,
    load_split,
    read,
    read_label_map,
    relabel,
)
from models.data.sources import SOURCES, Source
from models.errors import UserError
from models.skeleton import LAYOUTS
from tests.skeletons import dataset, space_body, space_dataset


def change(path, edit):
    """Rewrite a data set; `edit` gets the content and changes it in place."""
    content = pickle.loads(path.read_bytes())
    edit(content)
    path.write_bytes(pickle.dumps(content))
    return path


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
    assert clip.name == "ntu60/clip00"
    assert clip.space is None
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


def test_a_clip_may_have_a_frame_rate_of_its_own(tmp_path, monkeypatch):
    path = dataset(tmp_path / "a.pkl", layout="coco17")
    change(path, lambda content: content["annotations"][1].update(fps=50))
    clips = read(path).clips
    assert np.diff(clips["clip00"].times) == pytest.approx(1 / 15)
    assert np.diff(clips["clip01"].times) == pytest.approx(1 / 50)
    monkeypatch.setitem(SOURCES, "a", Source(fps=10.0))  # what is known of a data set goes first
    assert np.diff(read(path).clips["clip01"].times) == pytest.approx(1 / 10)


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


def test_a_3d_clip_is_kept_in_space_and_seen_by_its_own_camera(tmp_path):
    path = space_dataset(tmp_path / "a_3d.pkl")
    clip = read(path).clips["clip01"]
    stored = pickle.loads(path.read_bytes())["annotations"][1]["keypoint"].astype(np.float32)
    assert clip.space.shape == (*stored.shape[:2], 17, 3)
    assert clip.space.dtype == clip.keypoints.dtype == np.float32
    shoulder = stored[0, :, LAYOUTS["kinect20"].index("left shoulder")]
    np.testing.assert_array_equal(clip.space[0, :, 5], shoulder)
    np.testing.assert_allclose(
        clip.keypoints[0, :, 5, :2], shoulder[:, :2] / shoulder[:, 2:], rtol=1e-6
    )
    assert np.isnan(clip.space[:, :, 1:5]).all()  # eyes and ears
    assert (clip.keypoints[:, :, 1:5] == 0).all()
    assert (clip.keypoints[:, :, 5:, 2] == 1).all()
    torso = np.linalg.norm(clip.keypoints[0, :, 5, :2] - clip.keypoints[0, :, 11, :2], axis=1)
    assert clip.unit == pytest.approx(torso.mean(), rel=0.35)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_becomes_coco_in_space(tmp_path, layout):
    clip = read(space_dataset(tmp_path / "a.pkl", layout=layout)).clips["clip00"]
    points = clip.space[0, 0]
    assert points[5, 0] > points[6, 0]
    assert points[15, 0] > points[16, 0]
    assert points[0, 1] < points[5, 1] < points[11, 1] < points[13, 1] < points[15, 1]
    waving = clip.space[0, :, [9, 10], 1].mean(axis=1) - points[5, 1]
    assert waving[0] < 0 < waving[1]  # the left hand is up


def test_published_3d_files_are_in_the_axes_of_kinect(tmp_path):
    ours = space_dataset(tmp_path / "ours_3d.pkl", layout="ntu25")
    ntu = space_dataset(tmp_path / "ntu60_3danno.pkl", layout=None, axes="left up away")
    change(ntu, lambda content: [a.pop("keypoint_score") for a in content["annotations"]])
    first, second = (read(path).clips["clip01"] for path in (ours, ntu))
    np.testing.assert_array_equal(first.space, second.space)
    np.testing.assert_array_equal(first.keypoints, second.keypoints)
    assert np.diff(second.times) == pytest.approx(1 / 30)
    assert second.name == "ntu60/clip01"


def test_missing_joints_in_space_have_a_score_of_0_or_zero_coordinates(tmp_path):
    left = LAYOUTS["ntu25"].index("left wrist")
    scored = space_dataset(tmp_path / "scored.pkl", layout="ntu25")
    change(scored, lambda content: lose(content["annotations"][0]["keypoint_score"], left))
    plain = space_dataset(tmp_path / "plain.pkl", layout="ntu25", score=False)
    change(plain, lambda content: lose(content["annotations"][0]["keypoint"], left))
    for path in (scored, plain):
        clip = read(path).clips["clip00"]
        assert np.isnan(clip.space[0, 3, 9]).all()
        assert (clip.keypoints[0, 3, 9] == 0).all()
        assert np.isfinite(clip.space[0, :, 10]).all()
        assert (clip.keypoints[0, :, 10, 2] == 1).all()


def lose(values, joint):
    values[0, 3, joint] = 0


@pytest.mark.parametrize("axes", ["right down", "right down left", "right down inwards", ""])
def test_unknown_axes_are_the_users_error(tmp_path, axes):
    path = space_dataset(tmp_path / "a.pkl", axes="right down away")
    change(path, lambda content: content.update(axes=axes))
    with pytest.raises(UserError, match="right down away"):
        read(path)


def test_axes_may_be_in_any_order(tmp_path):
    path = space_dataset(tmp_path / "a.pkl")

    def turn(content):
        content["axes"] = "towards right up"
        for annotation in content["annotations"]:
            x, y, z = np.moveaxis(annotation["keypoint"], -1, 0)
            annotation["keypoint"] = np.stack([-z, x, -y], axis=-1)

    before = read(path).clips["clip01"].space
    np.testing.assert_array_equal(read(change(path, turn)).clips["clip01"].space, before)


def test_a_clip_in_which_nobody_is_seen_is_left_out(tmp_path):
    path = space_dataset(tmp_path / "a.pkl")
    change(path, lambda content: content["annotations"][2]["keypoint_score"].fill(0))
    data = read(path)
    assert "clip02" not in data.clips
    assert len(data.split(["train", "test"])) == 5


def test_one_of_two_people_and_another_view(tmp_path):
    clip = read(space_dataset(tmp_path / "a.pkl", people=2)).clips["clip01"]
    second = clip.person(1)
    np.testing.assert_array_equal(second.space[0], clip.space[1])
    np.testing.assert_array_equal(second.keypoints[0], clip.keypoints[1])
    behind = clip.view(Camera(yaw=np.pi))
    assert (behind.keypoints[0, :, 5, 0] < behind.keypoints[0, :, 6, 0]).all()
    assert (behind.keypoints[0, :, 5, 0] > behind.keypoints[1, :, 5, 0]).all()
    assert behind.unit == pytest.approx(0.5, rel=0.35)  # metres
    with pytest.raises(UserError, match="2D"):
        read(dataset(tmp_path / "b.pkl")).clips["clip00"].view(Camera())


def test_2d_and_3d_forms_of_a_clip_have_one_name(tmp_path):
    flat = read(dataset(tmp_path / "msr_action3d_2d.pkl", layout="msr20")).clips["clip00"]
    spatial = read(space_dataset(tmp_path / "msr_action3d_3d.pkl")).clips["clip00"]
    assert flat.name == spatial.name == "msr_action3d/clip00"
    named = read(space_dataset(tmp_path / "x.pkl", dataset="msr_action3d")).clips["clip00"]
    assert named.name == flat.name
    assert dataset_name("ntu60_hrnet") == dataset_name("ntu60_3danno") == "ntu60"
    assert dataset_name("my_2d_clips") == "my_2d_clips"
    assert clip_identity("msr_action3d_2d/clip00") == clip_identity(flat.name) == flat.name


def test_both_forms_of_a_clip_are_held_out_together(tmp_path):
    for validation in ([], ["test"]):
        flat = dataset(tmp_path / "a_2d.pkl", clips=30, classes=["wave", "walk"])
        clips = load_split([flat], ["train", "test"])
        clips += load_split([space_dataset(tmp_path / "a_3d.pkl", clips=30)], ["train", "test"])
        rest, held = hold_out(clips, validation)
        assert len(held) == (20 if validation else 12)
        assert not {clip.name for clip in rest} & {clip.name for clip in held}


def test_what_is_known_of_a_data_set_is_applied_to_its_clips(tmp_path, monkeypatch):
    known = Source(fps=10.0, classes=("greet", "stroll"), pitch=10.0)
    path = space_dataset(tmp_path / "odd_3d.pkl")
    plain = read(path)
    monkeypatch.setitem(SOURCES, "odd", known)
    odd = read(path)
    assert odd.classes == ["greet", "stroll"]
    clip, before = odd.clips["clip00"], plain.clips["clip00"]
    assert clip.label == "greet"
    assert np.diff(clip.times) == pytest.approx(0.1)
    np.testing.assert_array_equal(clip.keypoints, before.keypoints)  # as its own camera saw it
    # The camera looked down, so that people who seem upright lean back.
    assert (clip.space[0, :, 0, 2] - clip.space[0, :, 15, 2] > 0.2).all()


def test_arms_that_come_down_from_a_t_pose_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setitem(SOURCES, "odd", Source(lowering=1.0))
    path = space_dataset(tmp_path / "odd_3d.pkl", layout="coco17")

    def raise_arms(content):
        for annotation, seconds in zip(content["annotations"], (0.5, 5.0), strict=False):
            points = np.float32(space_body(60))
            up = np.clip(1 - np.arange(60) / (30 * seconds), 0, 1) * np.pi / 2
            for shoulder, elbow, wrist, side in ((5, 7, 9, 1), (6, 8, 10, -1)):
                ray = np.stack([side * np.sin(up), np.cos(up), 0 * up], axis=1)
                points[:, elbow] = points[:, shoulder] + 0.25 * ray
                points[:, wrist] = points[:, shoulder] + 0.5 * ray
            annotation |= {"keypoint": points[None], "total_frames": 60}
            annotation["keypoint_score"] = np.ones((1, 60, 17))

    clips = read(change(path, raise_arms)).clips
    assert 60 - len(clips["clip00"].times) == pytest.approx(15 * 2 / 3, abs=1)  # at 30 degrees
    assert clips["clip00"].times[0] == 0
    assert len(clips["clip01"].times) == 60  # they take longer: it is what the clip shows
    assert len(clips["clip02"].times) == 42  # one arm is up, and waves


def test_joints_in_the_corner_of_the_picture_may_mean_missing(tmp_path, monkeypatch):
    path = dataset(tmp_path / "odd.pkl")

    def unmark(content):
        content["annotations"][0]["keypoint"][0, 2, 9] = 1.5
        content["annotations"][0]["keypoint"][0, 3, 9] = (1.5, 80.0)

    change(path, unmark)
    assert read(path).clips["clip00"].keypoints[0, :, 9, 2].all()
    monkeypatch.setitem(SOURCES, "odd", Source(corner=2.0))
    score = read(path).clips["clip00"].keypoints[0, :, 9, 2]
    assert np.flatnonzero(score == 0).tolist() == [2]


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
    with pytest.raises(UserError, match="lacks the class 'squat' of a"):
        relabel(clips, read_label_map(mapping))
    mapping.write_text('{"wave": "greet", "squat": null, "a/wave": "hello", "b/wave": "no"}')
    assert {clip.label for clip in relabel(clips, read_label_map(mapping))} == {"hello"}
    mapping.write_text('{"wave": "greet", "squat": {"left out": "nobody squats"}}')
    assert read_label_map(mapping) == {"wave": "greet", "squat": None}
    for content in ('["wave"]', '{"wave": 1}', '{"wave": {"left out": ""}}', '{"wave": {}}'):
        mapping.write_text(content)
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
    renamed = [clip for clip in clips if clip.source != "folds"]
    rest, held = hold_out(renamed, [])
    assert {clip.subject for clip in held if clip.source == "people"} == {5}
    assert 5 not in {clip.subject for clip in rest}
    fifth = [clip.label for clip in held if clip.source == "plain"]
    assert sorted(fifth) == ["class 0"] * 2 + ["class 1"] * 2
    rest, held = hold_out([clip for clip in clips if clip.source == "folds"], ["test"])
    assert {tuple(clip.splits) for clip in held} == {("test",)}
    assert len(rest) == 8


def set_first(key, value):
    return lambda content: content["annotations"][0].update({key: value})


def spoil(value):
    def edit(content):
        content["annotations"][0]["keypoint"] = content["annotations"][0]["keypoint"].astype(float)
        content["annotations"][0]["keypoint"][0, 0, 0, 0] = value

    return edit


def without_frames(content):
    for annotation in content["annotations"]:
        annotation["keypoint"] = annotation["keypoint"][:, :0]
        annotation["keypoint_score"] = annotation["keypoint_score"][:, :0]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (spoil(np.nan), "not possible"),
        (spoil(np.inf), "not possible"),
        (spoil(1e30), "not possible"),
        (set_first("keypoint_score", np.nan), "not a PYSKL annotation file|not possible"),
        (set_first("label", -1), "label of a clip"),
        (set_first("label", 10**15), "label of a clip"),
        (set_first("label", float("inf")), "not a PYSKL annotation file"),
        (lambda content: content.update(fps=float("nan")), "frames a second"),
        (lambda content: content.update(fps=0), "frames a second"),
        (lambda content: content.update(fps=-30), "frames a second"),
        (lambda content: content.update(classes=[1, 2]), "not a text"),
        (lambda content: content.update(split={1: ["clip00"]}), "not a text"),
        (lambda content: content.update(split=None), "not a PYSKL annotation file"),
        (lambda content: content.update(annotations=[]), "not a PYSKL annotation file"),
        (lambda content: content.update(annotations=[None]), "not a PYSKL annotation file"),
        (without_frames, "no clip with a frame"),
    ],
)
def test_impossible_content_is_the_users_error(tmp_path, edit, message):
    path = change(dataset(tmp_path / "a.pkl"), edit)
    with pytest.raises(UserError, match=message) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_names_in_a_file_command_no_terminal(tmp_path):
    path = change(
        dataset(tmp_path / "a.pkl"),
        lambda content: content.update(classes=["\x1b[2J", "b\nc"], split={"\x1b": ["clip00"]}),
    )
    data = read(path)
    assert data.classes == [r"\x1b[2J", r"b\nc"] and list(data.splits) == [r"\x1b"]


def test_a_split_or_a_label_map_that_leaves_no_clip_is_the_users_error(tmp_path):
    path = change(dataset(tmp_path / "a.pkl"), lambda content: content["split"].update(none=[]))
    with pytest.raises(UserError, match="the split none has no clip"):
        load_split([path], ["none"])
    clips = load_split([path], ["train"])
    with pytest.raises(UserError, match="leaves no clip"):
        relabel(clips, {"class 0": None, "class 1": None})


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "[1]", '{"a": 1}', "\xff"])
def test_label_maps_that_are_none_are_the_users_error(tmp_path, text):
    (tmp_path / "map.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match="label map"):
        read_label_map(tmp_path / "map.json")
