"""Every protocol of the small data sets by the recipe of clip.py, over three seeds.

SBU's folds have half as many clips as JHMDB's splits, and take two thirds of the steps.
"""

_base_ = ["clip.py", "_base_/small.py"]

study = dict(
    kind="benchmark",
    seeds=[0, 1, 2],
    overrides={"SBU, mean of 5 folds": {"finetune.schedule.epochs": 9}},
)
