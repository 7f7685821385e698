"""Benchmark study: the recipe of clip.py on every protocol of the small data sets, three seeds.

The folds of SBU have half as many clips as the splits of JHMDB, and take two thirds of the steps.
"""

_base_ = ["clip.py", "_base_/small.py"]

study = dict(
    kind="benchmark",
    seeds=[0, 1, 2],
    overrides={"SBU, mean of 5 folds": {"finetune.schedule.epochs": 9}},
)
