"""Hyper-parameters as the paper's text gives them (Yan et al., ICCV 2023), and nothing added.

The paper gives N = 17 joints, T = 64 steps, D = 64, six parts, beta = 2 and P = 2 people. It leaves
the following open; the choices here are the plain reading of its text:

- L_D = 3 GIN layers with D_h = D, which copies of the pre-trained encoder need.
- The adjacency A is not normalised. Its self-loop is GIN's own, 1 + epsilon.
- One or two parts are masked.
- ⊕ is concatenation before the 1×1 convolution.
- M = 3 layers.
- The division by the number of masked joints stands inside the power beta, as in equation 2.

`ablation.py` measures other choices; its table is in the model card.
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
