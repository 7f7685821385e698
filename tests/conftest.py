"""What every test needs."""

from importlib import import_module

import_module("models.pose")  # before any test imports MMPose itself
