"""Shared by the data sets that PYSKL publishes: many clips, with 2D COCO-17 joints from HRNet."""

_base_ = ["../clip.py"]

pretrain = dict(schedule=dict(epochs=10, batch_size=128))

finetune = dict(
    crop=0.9,
    length=0,
    model=dict(dropout=0.2),
    augmentation=dict(mirror=False),
    schedule=dict(epochs=60, batch_size=64, momentum=1e-3),
)
