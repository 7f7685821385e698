"""The hyper-parameters of the paper (Yan et al., ICCV 2023), and what it leaves open.

Given by the paper: N = 17 joints, T = 64 steps, D = 64, six parts, beta = 2, P = 2 people.
Left open, and chosen here as its text reads: L_D = 3 GIN layers with D_h = D (pre-trained copies
need it); A without normalisation, the self-loop being GIN's own (1 + epsilon); one or two masked
parts; ⊕ as concatenation before the 1×1 convolution; M = 3 layers; the power beta around the
division by the number of masked joints, as the notes print it. What other choices give is measured
by `ablation.py`; its table is in the model card.
"""

encoder = dict(width=64, depth=3, identity=False, normalised=False, face=True)

pretrain = dict(
    model=dict(**encoder, hidden=64, masked_parts=(1, 2), beta=2.0, mean_loss=False),
    augmentation=dict(),
    schedule=dict(epochs=30, batch_size=32, lr=1e-3, weight_decay=0.0),
)

finetune = dict(
    mode="clip",
    model=dict(**encoder, strides=(1, 1, 1), scales=(1, 4, 16, 0), hidden=128),
    augmentation=dict(),
    schedule=dict(epochs=60, batch_size=16, lr=1e-3, weight_decay=1e-4),
)
