"""The live path, one file a stage: frames in, people and what they do out."""

import models.pose.mmcv_ops  # noqa: F401  (MMPose can only be imported after it)
