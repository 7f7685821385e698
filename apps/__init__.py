"""The doors: one file a command, each arguments and wiring, nothing else."""

import signal
import sys
from pathlib import Path

from apps.missing import say_what_is_missing

started = Path(sys.argv[0]).parent.name == "apps" or sys.argv[0] == "-m"
if started:
    sys.excepthook = say_what_is_missing
if started and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # One of our programs is starting, and imports for a second before `apps.cli.run` sees to
    # signals. Until then Ctrl-C ends it at once, like any other signal, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
