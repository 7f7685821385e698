"""What every test needs."""

import signal
from importlib import import_module

# A shell starts background jobs with Ctrl-C ignored, and nohup any with SIGHUP ignored, which
# programs that a test starts inherit. They do not inherit handlers.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

import_module("models.pose")  # before any test imports MMPose itself
