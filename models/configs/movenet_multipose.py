"""MoveNet MultiPose Lightning as a bottom-up pose estimator of MMPose that also returns boxes."""

_base_ = "_base_/movenet.py"

model = dict(
    type="BottomupPoseEstimator",
    backbone=dict(type="MoveNetBackbone", width=1.5),
    neck=dict(type="MoveNetNeck", in_channels=[40, 48, 96, 1280]),
    head=dict(type="MoveNetMultiHead", people=20),  # 6 in the original, which is for 256×256
    # On COCO images at 320 pixels and more, people with annotated joints scored 0.198 or more and
    # false detections 0.04 or less. A few barely visible people scored between the two
    # (weights/MODEL_CARD.md).
    test_cfg=dict(score_thr=0.18),
)

pipeline = [
    dict(type="LoadImage"),
    dict(type="FitLongSide", size=512),
    dict(type="PackPoseInputs"),
]
test_dataloader = dict(dataset=dict(pipeline=pipeline))
train_dataloader = test_dataloader
