"""What pre-training is worth, the fewer labels the more: the recipe of clip.py with and without.

Every fraction takes as many steps, of as many samples, as all of the labels do. Each learning rate
is chosen on validation clips, which neither it nor its pre-training has seen.
"""

_base_ = ["clip.py", "_base_/small.py"]

study = dict(
    kind="fractions",
    protocols=["JHMDB split 1", "MSR Action3D", "SBU fold5"],
    fractions=[0.1, 0.25, 0.5, 1.0],
    seeds=[0, 1, 2, 3, 4],
    tuning=dict(fraction=0.25, rates=[5e-4, 1e-3, 2e-3], seeds=[0]),
)
