"""MoveNet SinglePose Lightning (192×192) as an MMPose top-down pose estimator."""

custom_imports = dict(imports=["models.pose.movenet"], allow_failed_imports=False)
default_scope = "mmpose"

# Keeps nine in ten of the joints that are right (weights/MODEL_CARD.md).
keypoint_threshold = 0.25

model = dict(
    type="TopdownPoseEstimator",
    data_preprocessor=dict(
        type="PoseDataPreprocessor", mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True
    ),
    backbone=dict(type="MoveNetBackbone", width=1.0),
    neck=dict(type="MoveNetNeck", in_channels=[24, 32, 64, 1280]),
    head=dict(type="MoveNetHead"),
)

# A square crop, black beyond the picture. MoveNet's own demo takes 1.2 times the farthest joint or
# 1.9 times the torso each way from the hips; about a box, 1.0 to 1.25 did alike on COCO images,
# more did worse, and people move from frame to frame.
padding = 1.2
pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale", padding=padding),
    dict(type="TopdownAffine", input_size=(192, 192)),
    dict(type="PackPoseInputs"),
]
coco = dict(from_file="configs/_base_/datasets/coco.py")
test_dataloader = dict(dataset=dict(type="CocoDataset", metainfo=coco, pipeline=pipeline))
train_dataloader = test_dataloader  # MMPose reads the joints' names there
