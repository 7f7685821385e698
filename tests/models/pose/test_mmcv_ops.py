"""The stand-in replaces compiled operations only where they are missing."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import models.pose.mmcv_ops
from models.errors import UserError

ROOT = Path(__file__).parents[3]


def test_a_missing_operation_says_what_to_install():
    from mmcv.ops import nms

    with pytest.raises(UserError, match=r"'nms'.*mmcv==2\.1\.0"):
        nms(torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([1.0]), iou_threshold=0.5)


def test_stand_in_has_operations_but_no_files():
    stand_in = models.pose.mmcv_ops.MissingOps()
    assert callable(stand_in.roi_align_forward)
    assert not hasattr(stand_in, "__file__")
    assert stand_in.__spec__.name == "mmcv._ext"


@pytest.mark.parametrize("compiled", [True, False])
def test_compiled_operations_are_left_alone(tmp_path, compiled):
    (tmp_path / "mmcv").mkdir()
    (tmp_path / "mmcv" / "__init__.py").touch()
    if compiled:
        (tmp_path / "mmcv" / "_ext.py").touch()
    code = "import sys, models.pose.mmcv_ops; print('mmcv._ext' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == str(not compiled)
