"""MoveNet MultiPose Lightning as an MMPose bottom-up pose estimator that also gives boxes."""

custom_imports = dict(imports=["models.pose.movenet"], allow_failed_imports=False)
default_scope = "mmpose"

model = dict(
    type="BottomupPoseEstimator",
    data_preprocessor=dict(
        type="PoseDataPreprocessor", mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True
    ),
    backbone=dict(type="MoveNetBackbone", width=1.5),
    neck=dict(type="MoveNetNeck", in_channels=[40, 48, 96, 1280]),
    head=dict(type="MoveNetMultiHead", people=20),  # 6 in the original, made for 256×256
    # On COCO images, from 320 pixels up, people with annotated joints scored 0.198 or more, what
    # was nobody 0.04 or less, and a few barely visible people between (weights/MODEL_CARD.md).
    test_cfg=dict(score_thr=0.18),
)

pipeline = [
    dict(type="LoadImage"),
    dict(type="FitLongSide", size=512),
    dict(type="PackPoseInputs"),
]
coco = dict(from_file="configs/_base_/datasets/coco.py")
test_dataloader = dict(dataset=dict(type="CocoDataset", metainfo=coco, pipeline=pipeline))
train_dataloader = test_dataloader  # MMPose reads the joints' names there
