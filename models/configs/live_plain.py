"""The live recipe without augmentation and puppets, which the test bench compares it with."""

_base_ = ["live.py"]

finetune = dict(puppets=0, rehearsed=0.0, augmentation=dict(_delete_=True))
