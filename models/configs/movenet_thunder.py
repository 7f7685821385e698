"""MoveNet SinglePose Thunder (256×256) as a top-down pose estimator of MMPose."""

_base_ = "movenet_lightning.py"

# Keeps nine in ten of the correct joints (weights/MODEL_CARD.md).
keypoint_threshold = 0.3

model = dict(
    backbone=dict(width=1.75),
    neck=dict(in_channels=[40, 56, 112, 1280]),
)

pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale", padding={{_base_.padding}}),
    dict(type="TopdownAffine", input_size=(256, 256)),
    dict(type="PackPoseInputs"),
]
test_dataloader = dict(dataset=dict(pipeline=pipeline))
train_dataloader = test_dataloader
