"""Shared by the MoveNet configs: registration, normalisation, and the joints of COCO."""

custom_imports = dict(imports=["models.pose.movenet"], allow_failed_imports=False)
default_scope = "mmpose"

model = dict(
    data_preprocessor=dict(
        type="PoseDataPreprocessor", mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True
    ),
)

coco = dict(from_file="configs/_base_/datasets/coco.py")
test_dataloader = dict(dataset=dict(type="CocoDataset", metainfo=coco))
train_dataloader = test_dataloader  # MMPose reads the names of the joints here
