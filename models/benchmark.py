"""The benchmark on small data sets: every protocol and seed, one JSON file each, and a table."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config

from models.data import load_split
from models.evaluation import evaluate
from models.recipes import finetune, pretrain


def run(
    config: Config, folder: Path, out: Path, seeds: Sequence[int], only: str = "", amp: bool = False
) -> None:
    """Pre-train, fine-tune and evaluate each protocol with each seed; what is done is not repeated.

    Args:
        config: with `protocols`, see `models/configs/benchmark.py`.
        folder: where the data sets are.
        out: for one JSON file a run, named by protocol and seed, and the runs' own folders.
        seeds: one run each.
        only: run the protocols whose name begins so.
        amp: compute in bfloat16 where safe.
    """
    for name, protocol in config.protocols.items():
        for seed in seeds:
            path = out / f"{name.replace(' ', '_')}-seed{seed}.json"
            if not name.startswith(only) or path.exists():
                continue
            start = time.monotonic()
            clips = load_split([folder / protocol.data], protocol.train)
            work = out / path.stem
            options = {"seed": seed, "amp": amp, "resume": True}
            pretrained = pretrain(config, clips, work_dir=work / "pretrain", **options)
            model = finetune(config, clips, pretrained, work_dir=work / "finetune", **options)
            minutes = (time.monotonic() - start) / 60
            test = load_split([folder / protocol.data], protocol.test)
            figures = evaluate(model, test, config.finetune.mode).figures
            record = {"protocol": name, "seed": seed, "minutes": minutes, **figures}
            path.write_text(json.dumps(record, indent=2) + "\n")


def table(out: Path) -> str:
    """The runs so far as a Markdown table: mean and spread of top-1 over the seeds."""
    runs: dict[str, list[dict]] = {}
    for path in sorted(out.glob("*.json")):
        record = json.loads(path.read_text())
        runs.setdefault(record["protocol"], []).append(record)
    lines = ["| protocol | seeds | top-1, % | minutes a run |", "|---|---|---|---|"]
    for name, records in runs.items():
        top = 100 * np.array([record["top-1"] for record in records])
        spread = f" ± {top.std(ddof=1):.1f}" if len(top) > 1 else ""
        minutes = np.mean([record["minutes"] for record in records])
        lines.append(f"| {name} | {len(top)} | {top.mean():.1f}{spread} | {minutes:.1f} |")
    return "\n".join(lines)
