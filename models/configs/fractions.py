"""Label-efficiency study: the recipe of clip.py, pre-trained and from scratch, on few labels.

Every fraction takes the same number of steps as all of the labels: 200 steps of 8 samples, because
there are 138 trainings. The running mean of the weights is short enough for so few steps. Each
learning rate is chosen on validation clips, held out of its training and of its pre-training.
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
