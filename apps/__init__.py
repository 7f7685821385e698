"""The doors: one file a command, each arguments and wiring, nothing else."""
