from itertools import pairwise

import numpy as np
import pytest

from models.data.augment import Augmentation, bone_lengths
from models.data.camera import Camera
from models.data.scene import Scene, all_bone_lengths, film, flail, freeze, loop, pad, prepend
from tests.skeletons import act


def test_people_stand_with_hanging_arms_before_and_after():
    pose = act(0, 12, np.random.default_rng(0))
    pose = np.concatenate([pose, np.ones((*pose.shape[:-1], 1))], axis=-1).astype(np.float32)
    scene = Scene(np.arange(12) / 30, pose[None] / np.float32(100))
    arms = {9: 7, 10: 8, 7: 5, 8: 6}
    hanging = 0
    for seed in range(10):
        padded = pad(scene, 0.99, 0.99, np.random.default_rng(seed))
        assert np.array_equal(padded.points[:, 30:42], scene.points)
        assert np.allclose(np.diff(padded.times), 1 / 30)
        for end, start in zip((padded.points[0, 0], padded.points[0, -1]), (0, -1), strict=True):
            kept = [joint for joint in range(17) if joint not in arms]
            assert np.allclose(end[kept], scene.points[0, start, kept])
            bones = {joint: (end[joint] - end[root])[:2] for joint, root in arms.items()}
            lengths = [
                np.linalg.norm((scene.points[0, start, joint] - scene.points[0, start, root])[:2])
                for joint, root in arms.items()
            ]
            assert np.allclose([np.linalg.norm(b) for b in bones.values()], lengths, atol=1e-4)
            hanging += all(bone[1] > 0.85 * np.linalg.norm(bone) for bone in bones.values())
    assert 4 < hanging < 18


def test_another_scene_can_be_prepended(clips):
    scenes = [Scene.of(clip) for clip in clips if clip.label in ("hug", "push")]
    rng = np.random.default_rng(0)
    for scene, other in pairwise(scenes):
        swapped = Scene(other.times, other.points[::-1])
        frames = int(np.ceil(0.8 * scene.fps))
        for before in (other, swapped):
            whole = prepend(scene, before, 0.8, rng)
            assert whole.points.shape[1] == scene.points.shape[1] + frames
            np.testing.assert_array_equal(whole.points[:, frames:], scene.points)
            assert whole.fps == pytest.approx(scene.fps, rel=0.05)
            turn = np.nanmax(np.abs(np.diff(whole.points[..., :2], axis=1)), axis=(0, 2, 3))
            assert (
                turn[frames - 1] < 2 * np.nanmax(turn[frames:]) + 0.2
            )  # no jump, and no exchange of people


def test_a_scene_is_in_torso_lengths_with_nan_for_invisible_joints(clips):
    clip = clips[0]
    clip.keypoints[0, 3, 9, 2] = 0
    points = Scene.of(clip).points
    assert np.isnan(points[0, 3, 9, :2]).all()
    torso = np.linalg.norm(points[0, :, 5, :2] - points[0, :, 11, :2], axis=-1)
    assert torso.mean() == pytest.approx(1, rel=0.35)
    clip.keypoints[0, 3, 9, 2] = 1


def test_a_scene_in_space_is_in_torso_lengths_until_it_is_filmed(space_clips):
    clip = space_clips[0]
    scene = Scene.of(clip)
    torso = np.linalg.norm(scene.space[0, :, 5] - scene.space[0, :, 11], axis=1)
    assert torso == pytest.approx(1, rel=0.35)
    camera = Camera(yaw=0.4, distance=8.0)
    seen = film(scene, camera, Augmentation(), np.random.default_rng(0))
    assert (seen.space, seen.camera) == (None, camera)
    np.testing.assert_allclose(seen.points[..., :2], camera.project(scene.space))
    np.testing.assert_array_equal(seen.points[..., 2], scene.points[..., 2])
    width = np.linalg.norm(seen.points[0, :, 5, :2] - seen.points[0, :, 11, :2], axis=1)
    assert width == pytest.approx(torso, rel=0.1)


def test_a_flat_scene_cannot_be_filmed_and_stays(clips):
    scene = Scene.of(clips[0])
    assert film(scene, Camera(), Augmentation(), np.random.default_rng(0)) is scene


def test_bodies_are_exchanged_in_space_before_they_are_filmed(space_clips):
    scene = Scene.of(space_clips[0])
    tall = 1.5 * all_bone_lengths([scene])
    far = Camera(yaw=np.pi / 2, distance=1000.0)
    seen = film(scene, far, Augmentation(bodies=1.0), np.random.default_rng(0), tall)
    plain = film(scene, far, Augmentation(), np.random.default_rng(0))
    before, after = (bone_lengths(view.points[0, ..., :2])[[13, 15]] for view in (plain, seen))
    assert after == pytest.approx(1.5 * before, rel=0.02)


def test_edits_keep_the_camera_and_parts_keep_the_space(space_clips):
    scene = Scene.of(space_clips[-1])
    part = scene.frames(slice(3, 9)).person(1)
    np.testing.assert_array_equal(part.space[0], scene.space[1, 3:9])
    np.testing.assert_array_equal(part.points[0], scene.points[1, 3:9])
    assert len(part.times) == 6
    rng, camera = np.random.default_rng(0), Camera()
    seen = film(scene, camera, Augmentation(), rng)
    edits = [pad(seen, 0.2, 0.2, rng), prepend(seen, seen, 0.4, rng), freeze(seen, rng)]
    edits += [loop(seen, 3.0), flail(seen, rng), seen.person(0), seen.frames(slice(2, 8))]
    assert all(edit.camera == camera for edit in edits)
