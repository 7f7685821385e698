"""Pre-train whole windows, and with them all of STRL but its head, for the recipe of clip.py."""

_base_ = ["clip.py"]

pretraining = "motion"
