"""Pre-train whole windows, and with them all of STRL but its head, for the recipe of live.py."""

_base_ = ["live.py"]

pretraining = "motion"

motion = dict(
    live=0.75,
    augmentation=dict(turn=0.9, roll=0.25, stretch=0.25, speed=0.45, proportions=0.2, head=0.1),
    schedule=dict(epochs=12),
)
