"""MoveNet as MMPose components, what it is shown and gives, and how alike two poses are."""
