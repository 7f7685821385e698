"""Files of other programs: what they hold is what is read, and what is damaged is refused."""

import json
import re

import numpy as np
import pytest

from models.data.imports import ntu as ntu_format
from models.data.imports import openpose as openpose_format
from models.data.imports.files import has_skeletons, parts, read
from models.data.imports.given import Given
from models.errors import UserError
from models.skeleton import JOINTS, LAYOUTS, to_coco
from tests.models.data.imports import formats

COCO = LAYOUTS["coco17"]


def check(recording, bodies, layout, fps, score):
    """Everybody is there, in COCO-17, in the order of their places."""
    assert len(recording.people) == len(bodies)
    assert np.diff(recording.times) == pytest.approx(1 / fps)
    assert recording.times[0] == 0
    people = sorted(recording.people, key=lambda one: one.keypoints[0, 5, 0])
    for person, points in zip(people, bodies, strict=True):
        scored = np.concatenate([points, np.full((*points.shape[:2], 1), score)], axis=-1)
        expected = to_coco(scored, LAYOUTS[layout])
        assert person.frames.tolist() == list(range(formats.FRAMES))
        np.testing.assert_allclose(person.keypoints, expected, atol=0.02)
        assert person.keypoints[0, 5, 0] > person.keypoints[0, 6, 0], "left is left"


@pytest.mark.parametrize("people", [1, 2])
def test_ntu_in_the_picture_and_in_space(tmp_path, people):
    path = tmp_path / "S001C002P003R002A043.skeleton"
    bodies = formats.ntu(path, people)
    recording = read(path)
    assert recording.size == (1920, 1080)
    pixels = [960 * np.float32((1, 0.5625)) + 1000 * b[..., :2] / b[..., 2:] for b in bodies]
    check(recording, pixels, "ntu25", 30, 1.0)
    for person, body in zip(recording.people, bodies, strict=True):
        expected = to_coco(
            np.concatenate([body, np.ones_like(body[..., :1])], -1), LAYOUTS["ntu25"]
        )
        np.testing.assert_allclose(person.space, expected, atol=1e-5)
    assert ntu_format.label(path) == "falling"
    assert ntu_format.label(tmp_path / "mine.skeleton") is None


def test_ntu_joints_that_are_inferred_missing_or_outside_the_picture(tmp_path):
    path = tmp_path / "a.skeleton"
    formats.ntu(path, state=1)
    assert read(path).people[0].keypoints[..., 5, 2] == pytest.approx(0.5)
    formats.ntu(path, state=0)
    assert not read(path).people[0].keypoints.any()
    formats.ntu(path)
    text = re.sub(
        r"(\n\S+ \S+ \S+ 250\S* 200\S*) \S+ \S+", r"\1 nan nan", path.read_text(), count=4
    )
    path.write_text(text)
    (person,) = read(path).people
    assert np.isfinite(person.keypoints).all()
    assert not person.keypoints[0, 0].any(), "the fourth joint of ntu25 is the head"
    assert person.keypoints[1, 0].any() and person.space[0, 0, 3] == 1


@pytest.mark.parametrize("layout", ["openpose25", "openpose18"])
def test_openpose_follows_people_whose_order_changes(tmp_path, layout):
    bodies = formats.openpose(tmp_path, layout, people=2)
    first = tmp_path / "video_000000000000_keypoints.json"
    recording = read(first, Given(fps=25))
    check(recording, bodies, layout, 25, 0.8)
    assert recording.size[0] == int(np.ceil(bodies[1][..., 0].max())) + 1
    assert read(first, Given(size=(1280, 720))).size == (1280, 720)


def test_openpose_folders_may_hold_several_videos_and_lack_frames(tmp_path):
    formats.openpose(tmp_path, name="one", frames=5)
    formats.openpose(tmp_path, name="two_2", frames=7)
    first = tmp_path / "two_2_000000000000_keypoints.json"
    assert openpose_format.video_of(first) == "two_2"
    assert len(parts(first)) == 7
    (tmp_path / "two_2_000000000003_keypoints.json").unlink()
    assert read(first).times * 30 == pytest.approx([0, 1, 2, 4, 5, 6])


def test_openpose_without_pixels_is_refused(tmp_path):
    formats.openpose(tmp_path, frames=3)
    for file in tmp_path.iterdir():
        content = json.loads(file.read_text())
        points = np.array(content["people"][0]["pose_keypoints_2d"]).reshape(-1, 3) / (1e4, 1e4, 1)
        content["people"][0]["pose_keypoints_2d"] = points.ravel().tolist()
        file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="--keypoint_scale 0"):
        read(tmp_path / "video_000000000000_keypoints.json")


@pytest.mark.parametrize("tracked", [False, True])
def test_mmpose(tmp_path, tracked):
    bodies = formats.mmpose(tmp_path / "a.json", people=2, tracked=tracked)
    check(read(tmp_path / "a.json", Given(fps=24)), bodies, "coco17", 24, 0.9)


def test_mmpose_keeps_its_own_identities(tmp_path):
    path = tmp_path / "a.json"
    formats.mmpose(path, people=2, tracked=True)
    content = json.loads(path.read_text())
    for frame in content[12:]:  # they change places, which only the file can tell
        one, other = frame["instances"]
        one["track_id"], other["track_id"] = 1, 0
    path.write_text(json.dumps(content))
    first, second = read(path).people
    assert np.abs(np.diff(first.keypoints[:, 5, 0])).max() > 200
    assert np.abs(np.diff(second.keypoints[:, 5, 0])).max() > 200


def test_mmpose_of_other_layouts(tmp_path):
    path = tmp_path / "a.json"
    names = [name.replace(" ", "_") for name in LAYOUTS["openpose18"]]
    meta = {"keypoint_id2name": dict(enumerate(names))}
    bodies = formats.mmpose(path, "openpose18", meta=meta)
    check(read(path), bodies, "openpose18", 30, 0.9)
    formats.mmpose(path, "openpose18")
    with pytest.raises(UserError, match="18 joints without names"):
        read(path)


def test_mmpose_whole_bodies_begin_as_coco(tmp_path):
    path = tmp_path / "a.json"
    bodies = formats.mmpose(path)
    content = json.loads(path.read_text())
    for frame in content:
        frame["instances"][0]["keypoints"] += [[9, 9]] * 116
        frame["instances"][0]["keypoint_scores"] += [0.9] * 116
    path.write_text(json.dumps(content))
    check(read(path), bodies, "coco17", 30, 0.9)


@pytest.mark.parametrize("form", ["tasks", "python", "solution", "people", "person"])
def test_mediapipe_in_every_form(tmp_path, form):
    points = formats.mediapipe(tmp_path / "a.json", form)
    recording = read(tmp_path / "a.json", Given(fps=50, size=(1000, 500)))
    check(recording, [points], "mediapipe33", 50, 0.9)
    assert recording.people[0].keypoints[:, 1:5].all(), "eyes and ears"


def test_mediapipe_needs_to_know_the_picture(tmp_path):
    path = tmp_path / "a.json"
    points = formats.mediapipe(path)
    with pytest.raises(UserError, match="--size"):
        read(path)
    formats.mediapipe(path, width=1000, height=500, fps=10)
    check(read(path), [points], "mediapipe33", 10, 0.9)


def test_mediapipe_frames_may_have_times_and_show_nobody(tmp_path):
    path = tmp_path / "a.json"
    formats.mediapipe(path, width=1000, height=500)
    content = json.loads(path.read_text())
    for number, frame in enumerate(content["frames"]):
        frame["timestamp_ms"] = 40 * number
    content["frames"][5]["landmarks"] = None
    path.write_text(json.dumps(content))
    recording = read(path)
    assert np.diff(recording.times) == pytest.approx(0.04)
    assert 5 not in recording.people[0].frames


@pytest.mark.parametrize(("clock", "fps"), [("time", 20), ("frame", 60)])
def test_csv(tmp_path, clock, fps):
    bodies = formats.table(tmp_path / "a.csv", people=2, clock=clock)
    check(read(tmp_path / "a.csv", Given(fps=60)), bodies, "coco17", fps, 0.7)


def test_csv_with_few_joints_and_missing_ones(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("frame,Left_Wrist_x,Left_Wrist_y,head_x,head_y\n4,10,20,,\n5,11,21,30,40\n")
    (person,) = read(path).people
    assert person.keypoints[:, 9].tolist() == [[10, 20, 1], [11, 21, 1]]
    assert person.keypoints[:, 0].tolist() == [[0, 0, 0], [30, 40, 1]]
    assert person.keypoints.any(axis=-1).sum() == 3


def test_formats_are_told_by_their_names(tmp_path):
    for name in ("a.skeleton", "A.CSV", "b.json", "c_000000000000_keypoints.json"):
        assert has_skeletons(tmp_path / name)
    assert not has_skeletons(tmp_path / "a.mp4")
    assert parts(tmp_path / "b.json") == [tmp_path / "b.json"]
    assert JOINTS == COCO


OPENPOSE = "v_000000000000_keypoints.json"
PERSON = [{"x": 0.1, "y": 0.1}] * 33


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.skeleton", "", "skeleton file of NTU"),
        ("a.skeleton", "two", "skeleton file of NTU"),
        ("a.skeleton", "2\n1\n1 2 3\n25\n", "a body is 10 numbers"),
        ("a.skeleton", "1\n1\n1 0 0 0 0 0 0 0 0 2\n20\n" + "1 " * 12, "25 joints"),
        ("a.skeleton", "1\n0\n0\n", "goes on"),
        ("a.skeleton", "999999999\n0\n", "NTU"),
        ("a.skeleton", b"\xff\xfe", "NTU"),
        (OPENPOSE, "{", "JSON"),
        (OPENPOSE, "[]", "OpenPose"),
        (OPENPOSE, '{"people": [{"pose_keypoints_2d": [1, 2]}]}', "OpenPose"),
        (OPENPOSE, '{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', "1 joints"),
        (OPENPOSE, '{"people": [{}]}', "pose_keypoints_2d"),
        ("a.json", "", "JSON"),
        ("a.json", "[" * 100_000, "JSON"),
        ("a.json", b"\xff", "JSON"),
        ("a.json", '{"a": 1}', "neither MMPose's"),
        ("a.json", "[]", "neither MMPose's"),
        ("a.json", "17", "neither MMPose's"),
        ("a.json", '[{"frame_id": 0, "instances": 3}]', "MMPose"),
        ("a.json", '[{"frame_id": 0, "instances": [{"keypoints": [[1, 2]]}]}]', "keypoint_scores"),
        (
            "a.json",
            '[{"frame_id": 1, "instances": []}, {"frame_id": 1, "instances": []}]',
            "follow",
        ),
        (
            "a.json",
            '[{"frame_id": 0, "instances": [{"keypoints": [[1, 2, 3]], "keypoint_scores": [1]}]}]',
            "keypoints are x and y",
        ),
        ("a.json", json.dumps([PERSON[:32]]), "32 landmarks"),
        ("a.json", json.dumps([[{"x": 1}] * 33]), "'y'"),
        ("a.json", json.dumps([[{"x": "one", "y": 2}] * 33]), "MediaPipe"),
        ("a.json", json.dumps([PERSON, {"pose": 1}]), "no landmarks"),
        ("a.json", json.dumps([[{"x": 10**400, "y": 2}] * 33]), "MediaPipe"),
        ("a.json", json.dumps({"frames": 1, "width": 9, "height": 9}), "MediaPipe"),
        ("a.json", json.dumps({"frames": [], "width": 0, "height": 9}), "no size"),
        (
            "a.json",
            json.dumps({"frames": [PERSON], "width": 9, "height": 9, "fps": 0}),
            "more than 0",
        ),
        ("a.csv", "", "no column time"),
        ("a.csv", "time,tail_x,tail_y\n", "left_wrist_x"),
        ("a.csv", "time,nose_x,nose_y\n0,1,b\n", "line 2"),
        ("a.csv", "time,nose_x,nose_y\n1,1,1\n0,1,1\n", "goes back"),
        ("a.csv", "time,nose_x,nose_y\n0,1,1\nnan,1,1\n", "goes back, or is no number"),
        ("a.csv", "time,nose_x,nose_y\n0,1,1\n0,1,1\n", "twice"),
        ("a.csv", "time,nose_x,nose_y\n0,1,1,1\n", "more cells"),
        ("a.csv", 'time,nose_x,nose_y\n0,"1,1\n', "CSV"),
        ("a.csv", b"\xff", "CSV"),
    ],
)
def test_damaged_files_are_the_users_error(tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(UserError, match=re.escape(reason)) as refusal:
        read(path, Given(size=(100, 100)) if '"width"' not in str(content) else Given())
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["a.skeleton", "a.json", "a.csv"])
def test_a_missing_file_is_the_users_error(tmp_path, name):
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / name)
