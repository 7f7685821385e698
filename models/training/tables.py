"""Tables and plots of studies, made from the records of their runs."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from mmengine.config import Config
from scipy import stats

from models.errors import UserError
from models.part import reason, write_whole
from models.training.studies import SCRATCH, Record, arms, portion

Values = Sequence[float] | np.ndarray
"""Figures of several runs, [N]."""


def benchmark(records: list[Record], config: Config) -> str:
    """Tabulate mean and spread of top-1 over seeds, by protocol and by mean of protocols.

    The rows of peers follow ours.
    """
    rows: dict[tuple[str, str | None], dict[int, list[Record]]] = {}
    for record in records:
        mean = config.protocols[record["protocol"]].get("mean")
        for row in filter(None, (record["row"], mean)):
            seeds = rows.setdefault((row, record.get("peer")), {})
            seeds.setdefault(record["seed"], []).append(record)
    lines = ["| protocol | seeds | top-1, % | minutes a run |", "|---|---|---|---|"]
    peers = [None, *config.study.get("peers", {})]
    for row, peer in filter(rows.get, product(_row_order(config), peers)):
        seeds = rows[row, peer]
        wanted = sum(protocol.get("mean") == row for protocol in config.protocols.values()) or 1
        complete = [runs for runs in seeds.values() if len(runs) == wanted]
        if complete:
            top = [100 * np.mean([run["top-1"] for run in runs]) for runs in complete]
            minutes = [_minutes(run) for runs in complete for run in runs]
            title = f"{row}, {peer}" if peer else row
            lines.append(f"| {title} | {len(top)} | {_spread(top)} | {_mean(minutes)} |")
    return "\n".join(lines)


def _row_order(config: Config) -> list[str]:
    """List protocols and means; a mean comes after the last of its protocols."""
    order: dict[str, None] = {}
    for name, protocol in config.protocols.items():
        order.pop(protocol.get("mean"), None)
        order |= dict.fromkeys(filter(None, (name, protocol.get("mean"))))
    return list(order)


def fractions(records: list[Record], config: Config) -> str:
    """Tabulate top-1 with and without pre-training, and the 95 % intervals of the differences."""
    scratch, *pretrained = arms(config)
    columns = ["protocol", "labels", "subsets", f"{scratch}, %"]
    for arm in pretrained:
        columns += [f"{arm}, %", "difference, points"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for protocol in config.study.protocols:
        for fraction in config.study.fractions:
            if not (tops := _paired(records, config, protocol, fraction)):
                continue
            cells = [protocol, portion(fraction), str(len(tops[scratch])), _spread(tops[scratch])]
            for arm in pretrained:
                gain = np.array(tops[arm]) - np.array(tops[scratch]) if arm in tops else None
                cells += ["–", "–"] if gain is None else [_spread(tops[arm]), _interval(gain)]
            lines.append(f"| {' | '.join(cells)} |")
    rates = {
        f"{record['protocol']} {record['row']} {record['recipe']['finetune']['schedule']['lr']:g}"
        for record in records
        if not record["linear"]
    }
    note = "Spread: standard deviation. Difference: mean and 95 % interval of Student's t, paired."
    return "\n".join([*lines, "", note, f"Learning rates: {', '.join(sorted(rates))}."])


def ablation(records: list[Record], config: Config) -> str:
    """Tabulate top-1 of each variant, mean and standard deviation over seeds."""
    where = "validation part of the training clips" if config.study.validate else "test clips"
    lines = [f"| variant | protocol | top-1 on the {where}, % | seeds |", "|---|---|---|---|"]
    rows: dict[tuple, list[float]] = {}
    for record in records:
        rows.setdefault((record["row"], record["protocol"]), []).append(100 * record["top-1"])
    for (row, protocol), top in rows.items():
        lines.append(f"| {row} | {protocol} | {_spread(top)} | {len(top)} |")
    return "\n".join(lines)


TABLES = {"benchmark": benchmark, "fractions": fractions, "ablation": ablation}
"""Functions that make the table of each kind of study."""


def table(records: list[Record], config: Config) -> str:
    """Make the table of a study from the records so far, in Markdown."""
    return TABLES[config.study.kind](records, config)


def insert(text: str, kind: str, path: Path) -> None:
    """Put a table into a Markdown file, between the marks `<!-- KIND -->` and `<!-- /KIND -->`.

    Args:
        text: the table.
        kind: kind of the study.
        path: the file; what stood between the marks is replaced.

    Raises:
        UserError: the file cannot be read or written, or does not have the marks.
    """
    begin, end = f"<!-- {kind} -->\n", f"<!-- /{kind} -->"
    try:
        before, rest = path.read_text().split(begin, 1)
        after = rest.split(end, 1)[1]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {reason(error)}") from error
    except (ValueError, IndexError) as error:
        raise UserError(
            f"{path} does not have the marks <!-- {kind} --> <!-- /{kind} -->"
        ) from error
    write_whole(path, f"{before}{begin}{text}\n{end}{after}".encode())


def plot(records: list[Record], config: Config, path: Path) -> None:
    """Plot top-1 over the fraction of labels with 95 % intervals, one panel a protocol.

    Args:
        records: records of the runs.
        config: config of a study of fractions.
        path: picture to write; its suffix is the format.

    Raises:
        UserError: the study is of another kind, or the picture cannot be written.
    """
    from matplotlib.figure import Figure

    if config.study.kind != "fractions":
        raise UserError("only a study of fractions can be plotted")
    protocols = config.study.protocols
    parts = [part for part in config.study.fractions if part <= 1]
    figure = Figure(figsize=(4 * len(protocols), 3.5), layout="constrained")
    panels = figure.subplots(1, len(protocols), squeeze=False)[0]
    for axes, protocol in zip(panels, protocols, strict=True):
        for arm in arms(config):
            pairs = {100 * part: _paired(records, config, protocol, part) for part in parts}
            tops = {percent: pair[arm] for percent, pair in pairs.items() if arm in pair}
            means, errors = [np.mean(top) for top in tops.values()], map(_half_width, tops.values())
            axes.errorbar(list(tops), means, list(errors), label=arm, marker="o", capsize=3)
        axes.set(title=protocol, xlabel="part of the labels, %", ylabel="top-1, %", xscale="log")
        axes.set_xticks([100 * part for part in parts], [f"{100 * part:g}" for part in parts])
        axes.minorticks_off()
        axes.legend()
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot draw {path}: {error}") from error


def _paired(
    records: list[Record], config: Config, protocol: str, fraction: float
) -> dict[str, list[float]]:
    """Return top-1 of each arm that was run, %, on the subsets that all of them have.

    There is none if nothing was run from scratch.
    """
    tops: dict[str, dict[int, float]] = {}
    for record in records:
        if (record["protocol"], record["fraction"]) == (protocol, fraction):
            tops.setdefault(record["row"], {})[record["seed"]] = 100 * record["top-1"]
    every = sorted(set.intersection(*map(set, tops.values()))) if SCRATCH in tops else []
    return {arm: [seeds[seed] for seed in every] for arm, seeds in tops.items()} if every else {}


def _half_width(values: Values) -> float:
    """Return half the width of the 95 % interval of a mean; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    return float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))


def _interval(values: Values) -> str:
    """Format a mean and its 95 % interval."""
    mean, half = np.mean(values), _half_width(values)
    return f"{mean:+.1f}" + (f" ({mean - half:+.1f} to {mean + half:+.1f})" if half else "")


def _spread(values: Values) -> str:
    """Format a mean and its standard deviation."""
    spread = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{spread}"


def _minutes(record: Record) -> float | None:
    """Return the time of pre-training and fine-tuning; None if either was interrupted."""
    parts = [record["minutes"], record.get("pre-training minutes", 0.0)]
    return None if None in parts else sum(parts)


def _mean(values: list[float | None]) -> str:
    """Format the mean of the known values."""
    known = [value for value in values if value is not None]
    return f"{np.mean(known):.1f}" if known else "–"
