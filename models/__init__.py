"""Networks, the data they learn from, and their training."""

from models.quiet import silence

silence()  # must run before the first import of any library that it names
