"""Single cases: a damaged file, or a program that is ended at a random moment."""

import json
import random
import re
import signal
import subprocess
import time
from pathlib import Path

from models.errors import UserError
from pipeline.source import open_source
from tests.faults import programs
from tests.faults.damage import damage
from tests.faults.good import FRAMES, KINDS, make

EARLIER = "an earlier output"
OUTPUTS = ("out.mp4", "out.jsonl", "out.csv")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
LONGEST = 6.0
"""Seconds after which a program is ended at the latest."""

Found = tuple[str, str]
"""A column of the table, and what was seen."""


def try_damaged(good: Path, folder: Path, seed: int) -> tuple[str, str, Found]:
    """Annotate a damaged file.

    Args:
        good: folder of the whole files, filled on the way.
        folder: an empty one.
        seed: chooses the file and its damage.

    Returns:
        Name of the damage, and of the file's kind, and what became of it.
    """
    name = list(KINDS)[seed % len(KINDS)]
    whole = make(good, name)
    kind, data = damage(whole.read_bytes(), seed)
    path = folder / f"damaged{whole.suffix}"
    path.write_bytes(data)
    return kind, name, annotate(path, folder, KINDS[name].promises)


def annotate(path: Path, folder: Path, promises: bool) -> Found:
    """Annotate a file of `FRAMES` pictures into a folder.

    It is lost what is missing without a word, if the file itself `promises` how much there is; and
    what the program says was written, but is not.
    """
    mp4, jsonl, csv = (folder / name for name in OUTPUTS)
    line = programs.command("video.py", path, "--out", mp4, "--json", jsonl, "--events", csv)
    ended = programs.run(line)
    if ended.kind not in ("whole", "clear line"):
        return ended.kind, ended.errors[-2000:]
    told = " ".join(ended.lines)
    if ended.kind == "clear line" and "is damaged" not in told:
        left = [item.name for item in folder.iterdir() if item != path]
        return (
            ("lost", f"{left} of {told}") if left and "partial" not in told else ("clear line", "")
        )
    frames = len(jsonl.read_text().splitlines())
    if frames_of(mp4) != frames or not csv.exists():
        return "lost", f"{frames_of(mp4)} pictures of {frames}"
    if ended.kind == "whole" and promises and frames < FRAMES:
        return "lost", f"{frames} of {FRAMES} frames, and exit status 0"
    return ended.kind, ""


def try_killed(clip: Path, folder: Path, seed: int) -> Found:
    """End a program at a random moment. Nothing that was there before may be lost, and no part.

    Args:
        clip: that it annotates.
        folder: an empty one.
        seed: chooses the moment and the signal.
    """
    rng = random.Random(seed)
    number, moment = rng.choice(SIGNALS), rng.uniform(0, LONGEST)
    outputs = [folder / name for name in OUTPUTS]
    for path in outputs:
        path.write_text(EARLIER)
    mp4, jsonl, csv = outputs
    line = programs.command("video.py", clip, "--out", mp4, "--json", jsonl, "--events", csv)
    process = subprocess.Popen(
        line, env=programs.environment(), stderr=subprocess.PIPE, text=True, errors="replace"
    )
    time.sleep(moment)
    process.send_signal(number)
    ended = programs.wait(process)
    seen = f"{number.name} after {moment:.2f} s: {ended.errors[-1000:]}"
    silent = ended.status == -number  # before the program could see to it, or by force
    if not silent and ended.kind not in ("whole", "clear line"):
        return ended.kind, seen
    for path in outputs:
        if path.read_bytes() != EARLIER.encode() and not is_usable(path):
            return "lost", f"{path.name}, {seen}"
    for told in re.findall(r"what was done is in (\S+\.\w+)", ended.errors):
        if not is_usable(Path(told)):
            return "lost", f"{told}, {seen}"
    part, lines = folder / "out.partial.mp4", folder / "out.partial.jsonl"
    written = lines.read_text().count("\n") if lines.exists() else 0
    if part.exists() and written - frames_of(part) > 2.5 * 30:  # seconds, frames a second
        return "lost", f"{frames_of(part)} pictures of {written} are in the part, {seen}"
    return ("clear line" if silent else ended.kind), ""


def is_usable(path: Path) -> bool:
    """Whether an output can be read."""
    if path.suffix == ".mp4":
        return frames_of(path) > 0
    if path.suffix == ".jsonl":
        return all(json.loads(line) for line in path.read_text().splitlines())
    return path.read_text().startswith("start,end,who")


def frames_of(path: Path) -> int:
    """The number of pictures that can be read."""
    try:
        with open_source(path) as source:
            return sum(1 for _ in source)
    except UserError:
        return 0
