"""Small benchmarks: whole clips, and the classes of the data set itself."""

_base_ = ["_base_/action.py"]

pretrain = dict(
    augmentation=dict(turn=0.5, roll=0.2, stretch=0.15, proportions=0.1),
    schedule=dict(epochs=30),
)

motion = dict(
    augmentation=dict(turn=0.5, roll=0.2, stretch=0.15, proportions=0.1),
    schedule=dict(epochs=60),
)

finetune = dict(
    mode="clip",
    crop=0.7,
    length=1600,
    model=dict(stem_stride=4, dropout=0.4),
    augmentation=dict(
        turn=0.4,
        roll=0.2,
        stretch=0.15,
        proportions=0.1,
        depth=0.15,
        jitter=0.02,
        sway=0.03,
        bodies=0.5,
    ),
    smoothing=0.1,
    schedule=dict(epochs=14, lr=1.5e-3, momentum=5e-3),
)
