"""Try everything at length, and print one table: `make soak`.

The target is zero in the last four columns. Each bad case is printed with what repeats it.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.cases import try_damaged, try_killed
from tests.faults.table import Table
from tests.faults.visitors import try_visitors
from tests.pipeline.videos import CLIPS


def main() -> None:
    """Run what the arguments ask for."""
    command = argparse.ArgumentParser(prog="soak.py", description=__doc__)
    command.add_argument("--files", type=int, default=600, help="damaged files (default 600)")
    command.add_argument("--kills", type=int, default=200, help="ends at a moment (default 200)")
    command.add_argument("--minutes", type=float, default=30, help="of live pictures (default 30)")
    command.add_argument("--visitors", type=int, default=20, help="at a time (default 20)")
    command.add_argument("--seed", type=int, default=0, help="the first of all (default 0)")
    options = command.parse_args()
    table = Table()
    try:
        with tempfile.TemporaryDirectory(prefix="soak-") as name:
            soak(table, Path(name), options)
    finally:  # also after Ctrl-C
        print(table.text())
    sys.exit(bool(table.bad))


def soak(table: Table, root: Path, options: argparse.Namespace) -> None:
    """Try everything, in an empty folder, and count it in the table."""
    good, folder = root / "good", root / "case"
    good.mkdir()
    for seed in range(options.seed, options.seed + options.files):
        folder.mkdir()
        kind, video, (column, seen) = try_damaged(good, folder, seed)
        table.add(f"{kind} in a file", column, f"seed {seed}, {video}", seen)
        shutil.rmtree(folder)
    for seed in range(options.seed, options.seed + options.kills):
        folder.mkdir()
        column, seen = try_killed(CLIPS / "two_people.mp4", folder, seed)
        table.add("signal", column, f"seed {seed}", seen)
        shutil.rmtree(folder)
    if options.minutes > 0:
        folder.mkdir()
        print(try_visitors(table, folder, options.minutes, options.visitors))


if __name__ == "__main__":
    main()
