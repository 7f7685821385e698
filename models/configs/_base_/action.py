"""Shared by clip.py and live.py: the encoder, the modules of STRL and the optimisation."""

encoder = dict(width=64, depth=2, identity=True, face=False)

pretrain = dict(
    model=dict(**encoder, hidden=64, masked_parts=(1, 3), beta=2.0, mean_loss=True),
    augmentation=dict(mirror=True),
    schedule=dict(batch_size=32, lr=2e-3, weight_decay=1e-2),
)

motion = dict(
    model=dict(share=0.6, span=16, targets=("motion",), by_joint=True, beta=0.0),
    augmentation=dict(mirror=True),
    schedule=dict(batch_size=32, lr=2e-3, weight_decay=1e-2),
)

finetune = dict(
    model=dict(
        **encoder,
        strides=(1, 2, 1),
        exchange=True,
        temporal=True,
        geometry=True,
        bones=True,
        distances=True,
        contact=True,
        scales=(2, 4, 0),
        by_parts=True,
    ),
    augmentation=dict(dropout=0.03, mirror=True),
    schedule=dict(batch_size=16, weight_decay=5e-2),
)
