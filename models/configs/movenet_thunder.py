"""MoveNet SinglePose Thunder (256×256) as an MMPose top-down pose estimator."""

_base_ = "movenet_lightning.py"

input_size = (256, 256)
padding = 1.25

model = dict(
    backbone=dict(width=1.75),
    neck=dict(in_channels=[40, 56, 112, 1280]),
)

pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale", padding=padding),
    dict(type="TopdownAffine", input_size=input_size),
    dict(type="PackPoseInputs"),
]
test_dataloader = dict(dataset=dict(pipeline=pipeline))
train_dataloader = test_dataloader
