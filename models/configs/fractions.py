"""What pre-training is worth, the fewer labels the more: the recipe of clip.py with and without.

Every fraction takes as many steps, of as many samples, as all of the labels do: 200 of 8, since
there are 138 trainings, and a running mean of the weights that is short enough for them. Each
learning rate is chosen on validation clips, which neither it nor its pre-training has seen.
"""

_base_ = ["clip.py", "_base_/small.py"]

pretrain = dict(schedule=dict(epochs=60))

finetune = dict(length=400, schedule=dict(epochs=4, batch_size=8, momentum=3e-2))

study = dict(
    kind="fractions",
    protocols=["JHMDB split 1", "MSR Action3D", "SBU fold5"],
    fractions=[0.1, 0.25, 0.5, 1.0],
    seeds=[0, 1, 2, 3, 4],
    tuning=dict(fraction=0.25, rates=[7e-4, 2e-3, 5e-3], seeds=[0]),
)
