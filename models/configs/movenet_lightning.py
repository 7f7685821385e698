"""MoveNet SinglePose Lightning (192×192) as a top-down pose estimator of MMPose."""

_base_ = "_base_/movenet.py"

# Keeps nine in ten of the correct joints (weights/MODEL_CARD.md).
keypoint_threshold = 0.25

model = dict(
    type="TopdownPoseEstimator",
    backbone=dict(type="MoveNetBackbone", width=1.0),
    neck=dict(type="MoveNetNeck", in_channels=[24, 32, 64, 1280]),
    head=dict(type="MoveNetHead"),
)

# The crop is square, and black beyond the image. MoveNet's own demo crops around the hips: 1.2
# times the distance to the farthest joint or 1.9 times the torso, to each side. Around a box,
# factors of 1.0 to 1.25 were equally good on COCO images and larger ones worse; people also move
# between frames.
padding = 1.2
pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale", padding=padding),
    dict(type="TopdownAffine", input_size=(192, 192)),
    dict(type="PackPoseInputs"),
]
test_dataloader = dict(dataset=dict(pipeline=pipeline))
train_dataloader = test_dataloader
