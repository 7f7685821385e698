"""Diving48 (diving48_hrnet.pkl): splits train and test."""

_base_ = ["_base_/published.py"]
