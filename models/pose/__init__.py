"""MoveNet as MMPose components, what it is shown and gives, and how alike two poses are."""

from models.pose import mmcv_ops

mmcv_ops.prepare()  # MMPose can only be imported after it
