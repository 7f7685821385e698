"""Benchmarks on small data sets: whole clips, a data set's own classes, every module that pays."""

_base_ = ["_base_/encoder.py"]

pretrain = dict(
    model=dict(hidden=64, masked_parts=(1, 3), beta=2.0, mean_loss=True),
    augmentation=dict(turn=0.5, roll=0.2, stretch=0.15, proportions=0.1, mirror=True),
    schedule=dict(epochs=30, batch_size=32, lr=2e-3, weight_decay=1e-2),
)

finetune = dict(
    mode="clip",
    crop=0.7,
    length=1600,
    model=dict(
        stem_stride=4,
        strides=(1, 2, 1),
        exchange=True,
        temporal=True,
        geometry=True,
        bones=True,
        distances=True,
        contact=True,
        scales=(2, 4, 0),
        by_parts=True,
        dropout=0.4,
    ),
    augmentation=dict(
        turn=0.4,
        roll=0.2,
        stretch=0.15,
        proportions=0.1,
        depth=0.15,
        jitter=0.02,
        sway=0.03,
        dropout=0.03,
        mirror=True,
        bodies=0.5,
    ),
    smoothing=0.1,
    schedule=dict(epochs=14, batch_size=16, lr=1.5e-3, weight_decay=5e-2, momentum=5e-3),
)
