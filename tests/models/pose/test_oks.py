import numpy as np
import pytest
from mmpose.evaluation.functional.nms import oks_iou

from models.pose.oks import oks


@pytest.mark.parametrize("threshold", [None, 0.3])
def test_oks_equals_mmpose(threshold):
    rng = np.random.default_rng(0)
    poses = rng.normal(100, 15, (9, 17, 3)).astype(np.float32)
    poses[..., 2] = rng.uniform(0, 1, (9, 17))
    poses[3, :, 2] = 0.1
    areas = rng.uniform(1e3, 1e4, 9)
    expected = oks_iou(poses[0].ravel(), poses.reshape(9, -1), areas[0], areas, vis_thr=threshold)
    found = oks(poses[0], poses, areas[0], areas, threshold)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    assert found.dtype == np.float32
    assert 0.05 < found[1:].max() < 1


def test_oks_of_no_poses_is_empty():
    assert oks(np.zeros((17, 3)), np.zeros((0, 17, 3)), 1.0, np.zeros(0)).shape == (0,)
