"""Benchmark study: the recipe of clip.py on every protocol of the small data sets, three seeds.

The folds of SBU have half as many clips as the splits of JHMDB, and take two thirds of the steps.
Penn Action and NW-UCLA have more than twice as many, and UTD-MHAD twice as many classes, seen from
all around: they take more. A run is at most 15 minutes on one thread, pre-training included.
"""

_base_ = ["clip.py", "_base_/small.py"]

study = dict(
    kind="benchmark",
    seeds=[0, 1, 2],
    overrides={
        "SBU, mean of 5 folds": {"finetune.schedule.epochs": 9},
        "Penn Action": {"finetune.schedule.epochs": 36},
        "UTD-MHAD": {"finetune.schedule.epochs": 32},
        "NW-UCLA": {"finetune.schedule.epochs": 36},
    },
)
