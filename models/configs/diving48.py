"""Diving48 (diving48_hrnet.pkl): splits train and test.

As PYSKL publishes it: COCO-17 joints in 2D, estimated by HRNet. The network is that of clip.py.
"""

_base_ = ["clip.py"]

pretrain = dict(schedule=dict(epochs=10, batch_size=128))

finetune = dict(
    crop=0.9,
    model=dict(dropout=0.2),
    augmentation=dict(mirror=False),
    schedule=dict(epochs=60, batch_size=64, momentum=1e-3),
)
