"""What every test needs."""

import signal
from importlib import import_module

# A shell starts background jobs with Ctrl-C ignored, which programs that a test starts inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

import_module("models.pose")  # before any test imports MMPose itself
