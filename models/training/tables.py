"""Tables and plots of studies, from their runs' records alone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config
from scipy import stats

from models.errors import UserError

ARMS = ("from scratch", "pre-trained")


def benchmark(records: list[dict], config: Config) -> str:
    """Mean and spread of top-1 over seeds, for each protocol and each mean of several."""
    rows: dict[str, dict[int, list[dict]]] = {}
    for record in records:
        mean = config.protocols[record["protocol"]].get("mean")
        for row in filter(None, (record["row"], mean)):
            rows.setdefault(row, {}).setdefault(record["seed"], []).append(record)
    order: dict[str, None] = {}  # a mean comes after the last of its protocols
    for name, protocol in config.protocols.items():
        order.pop(protocol.get("mean"), None)
        order |= dict.fromkeys(filter(None, (name, protocol.get("mean"))))
    lines = ["| protocol | seeds | top-1, % | minutes a run |", "|---|---|---|---|"]
    for row in filter(rows.get, order):
        seeds = rows[row]
        wanted = sum(protocol.get("mean") == row for protocol in config.protocols.values()) or 1
        complete = [runs for runs in seeds.values() if len(runs) == wanted]
        if complete:
            top = [100 * np.mean([run["top-1"] for run in runs]) for runs in complete]
            minutes = [_minutes(run) for runs in complete for run in runs]
            lines.append(f"| {row} | {len(top)} | {_spread(top)} | {_mean(minutes)} |")
    return "\n".join(lines)


def fractions(records: list[dict], config: Config) -> str:
    """Top-1 with and without pre-training, and the 95 % interval of the paired difference."""
    lines = [
        "| protocol | labels | subsets | from scratch, % | pre-trained, % | difference, points |",
        "|---|---|---|---|---|---|",
    ]
    for protocol in config.study.protocols:
        for fraction in config.study.fractions:
            if not (seeds := _paired(records, protocol, fraction)):
                continue
            scratch, pretrained = (np.array(seeds[arm]) for arm in ARMS)
            lines.append(
                f"| {protocol} | {fraction:.0%} | {len(scratch)} | {_spread(scratch)} "
                f"| {_spread(pretrained)} | {_interval(pretrained - scratch)} |"
            )
    rates = {
        f"{record['protocol']} {record['row']} {record['recipe']['finetune']['schedule']['lr']:g}"
        for record in records
    }
    note = "Spread: standard deviation. Difference: mean and 95 % interval of Student's t, paired."
    return "\n".join([*lines, "", note, f"Learning rates: {', '.join(sorted(rates))}."])


def ablation(records: list[dict], config: Config) -> str:
    """Top-1 of each variant, of one seed unless there are more."""
    where = "validation part of the training clips" if config.study.validate else "test clips"
    lines = [f"| variant | protocol | top-1 on the {where}, % | seeds |", "|---|---|---|---|"]
    rows: dict[tuple, list[float]] = {}
    for record in records:
        rows.setdefault((record["row"], record["protocol"]), []).append(100 * record["top-1"])
    for (row, protocol), top in rows.items():
        lines.append(f"| {row} | {protocol} | {_spread(top)} | {len(top)} |")
    return "\n".join(lines)


TABLES = {"benchmark": benchmark, "fractions": fractions, "ablation": ablation}


def table(records: list[dict], config: Config) -> str:
    """What a study's runs say so far, in Markdown."""
    return TABLES[config.study.kind](records, config)


def insert(text: str, kind: str, path: Path) -> None:
    """Put a table into a Markdown file, between the marks `<!-- KIND -->` and `<!-- /KIND -->`.

    Raises:
        UserError: the file cannot be read or written, or does not have these marks.
    """
    begin, end = f"<!-- {kind} -->\n", f"<!-- /{kind} -->"
    try:
        before, rest = path.read_text().split(begin, 1)
        after = rest.split(end, 1)[1]
        path.write_text(f"{before}{begin}{text}\n{end}{after}")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot write a table into {path}: {error}") from error
    except (ValueError, IndexError) as error:
        raise UserError(
            f"{path} does not have the marks <!-- {kind} --> <!-- /{kind} -->"
        ) from error


def plot(records: list[dict], config: Config, path: Path) -> None:
    """Draw top-1 over the part of the labels, with 95 % intervals, a panel each protocol.

    Raises:
        UserError: the study has no such parts, or the picture cannot be written there.
    """
    from matplotlib.figure import Figure

    if config.study.kind != "fractions":
        raise UserError("only a study of fractions can be plotted")
    protocols, parts = config.study.protocols, config.study.fractions
    figure = Figure(figsize=(4 * len(protocols), 3.5), layout="constrained")
    for axes, protocol in zip(figure.subplots(1, len(protocols), squeeze=False)[0], protocols):  # noqa: B905
        for arm in ARMS:
            tops = {part: _paired(records, protocol, part).get(arm) for part in parts}
            tops = {100 * part: top for part, top in tops.items() if top}
            means, errors = [np.mean(top) for top in tops.values()], map(_half, tops.values())
            axes.errorbar(list(tops), means, list(errors), label=arm, marker="o", capsize=3)
        axes.set(title=protocol, xlabel="part of the labels, %", ylabel="top-1, %", xscale="log")
        axes.set_xticks([100 * part for part in parts], [f"{100 * part:g}" for part in parts])
        axes.minorticks_off()
        axes.legend()
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot draw {path}: {error}") from error


def _paired(records: list[dict], protocol: str, fraction: float) -> dict[str, list[float]]:
    """Top-1 in per cent of each arm, over the subsets that both have; empty where there is none."""
    arms: dict[str, dict[int, float]] = {arm: {} for arm in ARMS}
    for record in records:
        if (record["protocol"], record["fraction"]) == (protocol, fraction):
            arms[record["row"]][record["seed"]] = 100 * record["top-1"]
    both = sorted(set.intersection(*(set(seeds) for seeds in arms.values())))
    return {arm: [seeds[seed] for seed in both] for arm, seeds in arms.items()} if both else {}


def _half(values: Sequence[float]) -> float:
    """Half the width of the 95 % interval of a mean; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    return float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))


def _interval(values: Sequence[float]) -> str:
    mean, half = np.mean(values), _half(values)
    return f"{mean:+.1f}" + (f" ({mean - half:+.1f} to {mean + half:+.1f})" if half else "")


def _spread(values: Sequence[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{spread}"


def _minutes(record: dict) -> float | None:
    """Pre-training and fine-tuning; None where one of them was interrupted."""
    parts = [record["minutes"], record.get("pre-training minutes", 0.0)]
    return None if None in parts else sum(parts)


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{np.mean(known):.1f}" if known else "–"
