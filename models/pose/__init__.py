"""Pose networks: MoveNet as MMPose components, their crops and loading, and pose similarity."""

from models.pose import mmcv_ops

mmcv_ops.prepare()  # must run before the first import of MMPose
