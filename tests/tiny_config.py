encoder = dict(width=8, depth=1)

pretrain = dict(
    model=dict(**encoder, hidden=8, masked_parts=(1, 2), beta=2.0),
    augmentation=dict(roll=0.1, mirror=True),
    schedule=dict(epochs=2, batch_size=4, lr=1e-3, weight_decay=0.0),
)

finetune = dict(
    mode="clip",
    crop=0.8,
    model=dict(**encoder, strides=(1, 2), temporal=True, geometry=True),
    augmentation=dict(roll=0.1),
    schedule=dict(epochs=2, batch_size=4, lr=1e-2, weight_decay=0.0, momentum=0.1),
)
