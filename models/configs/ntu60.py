"""NTU RGB+D 60 (ntu60_hrnet.pkl): splits xsub_train and xsub_val, xview_train and xview_val.

As PYSKL publishes it: COCO-17 joints in 2D, estimated by HRNet. The network is that of clip.py.
"""

_base_ = ["clip.py"]

pretrain = dict(schedule=dict(epochs=10, batch_size=128))

finetune = dict(
    crop=0.9,
    model=dict(dropout=0.2),
    augmentation=dict(mirror=False),
    schedule=dict(epochs=30, batch_size=64, momentum=1e-3),
)
