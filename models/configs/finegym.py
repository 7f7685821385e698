"""FineGym (gym_hrnet.pkl): splits train and val."""

_base_ = ["_base_/published.py"]
