"""Baseline of the robustness test: the live recipe without augmentation and acted clips."""

_base_ = ["live.py"]

finetune = dict(puppets=0, augmentation=dict(_delete_=True))
