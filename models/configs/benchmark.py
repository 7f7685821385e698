"""Every protocol of the small data sets by the recipe of clip.py, over three seeds."""

_base_ = ["clip.py", "_base_/small.py"]

study = dict(kind="benchmark", seeds=[0, 1, 2])
