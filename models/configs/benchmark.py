"""Benchmark study: the recipe of clip.py on every protocol of the small data sets, three seeds.

The folds of SBU have half as many clips as the splits of JHMDB, and take two thirds of the steps.
Penn Action and NW-UCLA have more than twice as many, and UTD-MHAD twice as many classes: they take
more. UTD-MHAD tells a swipe to the left from one to the right, which a mirror exchanges. It is
tested by the camera that recorded its training, and so filmed from near that one. NW-UCLA is tested
by another, and filmed from all around. A run is at most 15 minutes on one thread, pre-training
included.

Of the peers, `stgcn++` takes the same windows in the same number of steps, and so some twenty times
as long as STRL; `stgcn++-15min` takes as many as it can in 15 minutes on one thread in bfloat16,
with a running mean of the weights that is short enough for so few.
"""

_base_ = ["clip.py", "_base_/small.py"]

_sbu = "SBU, mean of 5 folds"
_one_person = ["JHMDB, mean of 3 splits", "MSR Action3D", "Penn Action", "UTD-MHAD", "NW-UCLA"]
_short = {"finetune.schedule.momentum": 3e-2}
_quarter_of_an_hour = {key: {"finetune.schedule.epochs": 6, **_short} for key in _one_person}
_quarter_of_an_hour[_sbu] = {"finetune.schedule.epochs": 3, **_short}

study = dict(
    kind="benchmark",
    seeds=[0, 1, 2],
    overrides={
        _sbu: {"finetune.schedule.epochs": 9},
        "Penn Action": {"finetune.schedule.epochs": 36},
        "UTD-MHAD": {
            "finetune.schedule.epochs": 32,
            "finetune.augmentation.mirror": False,
            "finetune.cameras": {"yaw": 0.5},
        },
        "NW-UCLA": {"finetune.schedule.epochs": 36},
    },
    peers={"stgcn++": {}, "stgcn++-15min": _quarter_of_an_hour},
)
