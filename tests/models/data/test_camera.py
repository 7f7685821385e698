import numpy as np
import pytest

from models.data.camera import (
    AHEAD,
    Camera,
    Cameras,
    cameras_around,
    level,
    recorded_view,
)
from models.skeleton import JOINTS
from tests.skeletons import space_act, space_body

NOSE, LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_WRIST, RIGHT_WRIST = 0, 5, 6, 9, 10
LEFT_HIP, LEFT_ANKLE, RIGHT_ANKLE = 11, 15, 16
FAR = 1000.0
"""Metres from which perspective does not matter."""


def reaching():
    """A person who faces the camera and holds the right hand half a metre before the shoulder."""
    points = space_body(4)
    points[:, RIGHT_WRIST] = points[:, RIGHT_SHOULDER] + np.float32((0, 0, -0.5))
    return points[None]


def passing():
    """Somebody who walks from 4 m away to 2 m behind the camera."""
    points = space_body(60, place=(0.2, 0.0, 0.0))
    points[..., 2] += np.linspace(4, -2, 60, dtype=np.float32)[:, None]
    return points[None]


def test_the_recorded_view_is_x_and_y_over_z():
    points = space_act(1, 30)[None]
    view = recorded_view(points)
    np.testing.assert_allclose(view[..., 0], points[..., 0] / points[..., 2], rtol=1e-6)
    np.testing.assert_allclose(view[..., 1], points[..., 1] / points[..., 2], rtol=1e-6)


@pytest.mark.parametrize("yaw", np.linspace(-np.pi, np.pi, 9))
@pytest.mark.parametrize("pitch", [-0.15, 0.0, 0.7])
def test_up_stays_up_from_everywhere(yaw, pitch):
    view = Camera(yaw, pitch).project(reaching())[0]
    heights = view[:, [NOSE, LEFT_SHOULDER, LEFT_HIP, LEFT_ANKLE], 1]
    assert (np.diff(heights, axis=1) > 0.02).all()


def test_left_is_on_the_right_from_the_front_and_on_the_left_from_behind():
    for yaw, sign in ((0.0, 1), (0.6, 1), (-0.6, 1), (np.pi, -1), (2.6, -1), (-2.6, -1)):
        view = Camera(yaw, 0.1).project(reaching())[0]
        for left, right in ((LEFT_SHOULDER, RIGHT_SHOULDER), (LEFT_ANKLE, RIGHT_ANKLE)):
            assert (sign * (view[:, left, 0] - view[:, right, 0]) > 0).all()


def test_a_quarter_turn_shows_the_left_side_of_who_faces_the_recorder():
    view = Camera(np.pi / 2, distance=3.0).project(reaching())[0]
    hand, shoulder = view[:, RIGHT_WRIST], view[:, RIGHT_SHOULDER]
    assert (hand[:, 0] < shoulder[:, 0] - 0.4).all()  # they face the picture's left
    sizes = [np.ptp(view[0, [side + 5, side + 15], 1]) for side in (0, 1)]
    assert sizes[0] > 1.1 * sizes[1]  # the left side is nearer
    other = Camera(-np.pi / 2, distance=3.0).project(reaching())[0]
    assert (other[:, RIGHT_WRIST, 0] > other[:, RIGHT_SHOULDER, 0] + 0.4).all()


def test_turned_bodies_are_foreshortened_and_their_height_is_not():
    points = space_body(3)[None]
    for yaw in (0.0, 0.5, 1.0, np.pi / 2):
        view = Camera(yaw, distance=FAR).project(points)[0, 0]
        true = points[0, 0]
        width = view[LEFT_SHOULDER, 0] - view[RIGHT_SHOULDER, 0]
        whole = true[LEFT_SHOULDER, 0] - true[RIGHT_SHOULDER, 0]
        assert width == pytest.approx(np.cos(yaw) * whole, abs=0.01)
        height = view[LEFT_ANKLE, 1] - view[NOSE, 1]
        assert height == pytest.approx(true[LEFT_ANKLE, 1] - true[NOSE, 1], rel=0.01)


def test_from_above_bodies_are_shorter_and_what_is_nearer_is_lower():
    flat = Camera(0.0, 0.0, FAR).project(reaching())[0, 0]
    above = Camera(0.0, 0.7, FAR).project(reaching())[0, 0]
    tall = [view[LEFT_ANKLE, 1] - view[LEFT_SHOULDER, 1] for view in (flat, above)]
    assert tall[1] == pytest.approx(np.cos(0.7) * tall[0], rel=0.01)
    drop = above[RIGHT_WRIST, 1] - above[RIGHT_SHOULDER, 1]
    assert drop == pytest.approx(0.5 * np.sin(0.7), rel=0.01)


def test_perspective_is_that_of_the_distance():
    points = np.zeros((1, 2, len(JOINTS), 3), np.float32)
    points[0, 0, :, :] = (0.5, 0.2, 2.0)  # 1 m before the middle, and 1 m behind it
    points[0, 1, :, :] = (-0.5, -0.2, 4.0)
    view = Camera(distance=4.0).project(points)[0, :, 0]
    np.testing.assert_allclose(view[0], np.array([0.5, 0.2]) * 4 / 3, rtol=1e-5)
    np.testing.assert_allclose(view[1], np.array([-0.5, -0.2]) * 4 / 5, rtol=1e-5)


def test_nobody_is_beside_or_behind_a_camera():
    points, rng = passing() / np.float32(0.5), np.random.default_rng(0)
    for _ in range(50):
        camera = Cameras().draw(rng)
        view = camera.project(points)[0]
        assert np.isfinite(view).all()
        assert (view[:, LEFT_ANKLE, 1] > view[:, NOSE, 1]).all()
        assert np.abs(view).max() < 20  # garbage would be larger


def test_the_recorder_steps_back_from_who_walks_past_it():
    view = recorded_view(passing())[0]
    assert np.isfinite(view).all()
    assert (view[:, LEFT_SHOULDER, 0] > view[:, RIGHT_SHOULDER, 0]).all()
    assert (view[:, LEFT_ANKLE, 1] > view[:, NOSE, 1]).all()
    sizes = view[:, LEFT_ANKLE, 1] - view[:, NOSE, 1]
    assert (np.diff(sizes) > 0).all()  # they come nearer
    assert sizes[-1] < 2


def test_joints_too_near_to_the_recorder_are_absent_and_others_stay():
    points = space_body(3, place=(0.0, 0.0, 2.0))[None]
    points[0, 1, RIGHT_WRIST, 2] = 0.1
    points[0, 2, RIGHT_WRIST, 2] = -1.0
    view = recorded_view(points)[0]
    assert np.isnan(view[1:, RIGHT_WRIST]).all()
    assert np.isfinite(np.delete(view, RIGHT_WRIST, axis=1)).all()
    np.testing.assert_allclose(view[0], points[0, 0, :, :2] / 2, rtol=1e-6)


def test_missing_joints_stay_missing():
    points = reaching()
    points[0, 1, LEFT_WRIST] = np.nan
    for view in (recorded_view(points), Camera(1.0, 0.3).project(points)):
        assert np.isnan(view[0, 1, LEFT_WRIST]).all()
        assert np.isnan(view).sum() == 2
    nobody = np.full_like(points, np.nan)
    assert np.isnan(Camera().project(nobody)).all()
    assert np.isnan(recorded_view(nobody)).all()


def test_who_stands_upright_before_a_tilted_camera_is_upright_again():
    upright, pitch = space_body(2)[None], 0.3
    # A camera that looks down sees heads nearer than feet.
    tilted = level(upright, -pitch)
    assert tilted[0, 0, NOSE, 2] < tilted[0, 0, LEFT_ANKLE, 2] - 0.3
    np.testing.assert_allclose(level(tilted, pitch), upright, atol=1e-5)


def test_cameras_are_drawn_all_around_and_within_their_ranges():
    rng = np.random.default_rng(0)
    drawn = [Cameras().draw(rng) for _ in range(400)]
    yaws = np.array([camera.yaw for camera in drawn])
    assert np.histogram(yaws, 8, (-np.pi, np.pi))[0].min() > 25
    assert all(-0.15 <= camera.pitch <= 0.7 for camera in drawn)
    assert all(4 <= camera.distance <= 16 for camera in drawn)
    near = [Cameras(yaw=0.5).draw(rng).yaw for _ in range(100)]
    assert np.abs(near).max() <= 0.5


def test_a_share_of_the_cameras_is_ahead_of_the_people():
    rng = np.random.default_rng(0)
    yaws = np.array([Cameras(ahead=0.5).draw(rng).yaw for _ in range(1000)])
    behind = (np.abs(yaws) > np.pi - AHEAD).mean()
    assert behind == pytest.approx(0.5 * AHEAD / np.pi, abs=0.03)
    assert (np.abs(yaws) <= AHEAD).mean() == pytest.approx(0.5 + behind, abs=0.05)


def test_cameras_for_evaluation_stand_at_equal_angles():
    around = cameras_around(4)
    assert np.diff([camera.yaw for camera in around]) == pytest.approx(np.pi / 2)
    views = [camera.project(space_act(0, 30)[None])[0] for camera in around]
    front, left, back, right = (
        (view[:, LEFT_SHOULDER, 0] - view[:, RIGHT_SHOULDER, 0]).mean() for view in views
    )
    assert front == pytest.approx(-back, rel=0.05)
    assert max(abs(left), abs(right)) < 0.1 * front
