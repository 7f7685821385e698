"""The report as one HTML page that needs nothing else: no script, no address."""

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path

import cv2
import numpy as np

from models.data.pyskl import Clip
from models.errors import UserError
from models.skeleton import BONES, JOINTS
from models.text import printable
from pipeline.extract.clips import Remark
from pipeline.source import open_source
from pipeline.teaching.report import Report

MOMENTS = (0.2, 0.5, 0.8)
"""Fractions of a clip that are drawn."""
MOST = 40
"""Most drawings of a kind."""
SIZE = 90
"""Height of a drawing, pixels."""

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --left: #e69f00; --right: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --right: #56b4e9; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: auto; padding: 1rem; }
p, li, figcaption { overflow-wrap: anywhere; }
.large { font-size: 1.4rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: .2rem .5rem; text-align: right; }
th { font-weight: normal; text-align: left; min-width: 4rem; max-width: 12rem; }
th { overflow-wrap: anywhere; }
td { background: color-mix(in srgb, var(--right) calc(var(--share) * 60%), transparent); }
.clips { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; }
figure { margin: 0; width: 17rem; max-width: 100%; border: 1px solid var(--line); }
figcaption { padding: .3rem .5rem; font-size: .9rem; }
svg, img { display: block; width: 100%; height: 6rem; object-fit: contain; }
line { stroke: currentColor; stroke-width: 2; stroke-linecap: round; }
.left { stroke: var(--left); } .right { stroke: var(--right); }
"""


def page(report: Report, name: str, paths: Mapping[str, Path]) -> str:
    """Write the page.

    Args:
        report: what to tell.
        name: of the weights.
        paths: of the clips, by name; of those that were left out, a frame is shown.
    """
    parts = [
        f'<p class="large">{_text(report.summary())}.</p>',
        _list("What would help", report.advice()),
        _list("Also measured", report.remarks()),
        _confusion(report),
        _labels(report),
        _wrong(report),
        _remarks("Clips that were left out", report.left_out, paths),
        _remarks("Clips to look at", report.notes, paths),
    ]
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{_text(name)}</title>
<style>{_STYLE}</style>
<h1>{_text(name)}</h1>
{"".join(parts)}
<p>It took {report.seconds:.0f} s.</p>
</html>
"""


def essentials(report: Report) -> str:
    """What the report says in words and in its table, as a part of another page."""
    advice = _list("What would help", report.advice())
    return advice + _list("Also measured", report.remarks()) + _confusion(report)


def _text(value: object) -> str:
    return escape(printable(value))


def _list(title: str, lines: list[str]) -> str:
    items = "".join(f"<li>{_text(line)}.</li>" for line in lines)
    return f"<h2>{title}</h2><ul>{items}</ul>" if lines else ""


def _confusion(report: Report) -> str:
    if not report.scored:
        return ""
    names, counts = report.confusion
    heads = "".join(f'<th scope="col">{_text(name)}</th>' for name in names)
    rows = []
    for name, row in zip(names, counts, strict=True):
        total = max(int(row.sum()), 1)
        cells = "".join(f'<td style="--share: {n / total:.2f}">{n or ""}</td>' for n in row)
        rows.append(f'<tr><th scope="row">{_text(name)}</th>{cells}</tr>')
    return (
        "<h2>What was taken for what</h2><p>Rows are what a clip shows, columns what was found.</p>"
        f'<div class="wide" tabindex="0"><table><tr><th></th>{heads}</tr>{"".join(rows)}</table>'
        "</div>"
    )


def _labels(report: Report) -> str:
    return _list("Labels", [str(label) for label in report.labels])


def _wrong(report: Report) -> str:
    figures = [
        _figure(
            _drawing(answer.clip),
            f"{answer.clip.name.partition('/')[2]}: taken for {answer.label}, "
            f"{answer.probability:.0%}{'' if answer.shown else ', too unsure to be shown'}",
        )
        for answer in report.wrong
    ]
    return _figures("Clips that it got wrong", figures)


def _remarks(title: str, remarks: list[Remark], paths: Mapping[str, Path]) -> str:
    pictures = [
        _picture(paths.get(remark.name)) if number < MOST else ""
        for number, remark in enumerate(remarks)
    ]
    return _figures(
        title, [_figure(p, str(remark)) for p, remark in zip(pictures, remarks, strict=True)]
    )


def _figures(title: str, figures: list[str]) -> str:
    if not figures:
        return ""
    more = f"<p>And {len(figures) - MOST} more.</p>" if len(figures) > MOST else ""
    return f'<h2>{title}</h2><div class="clips">{"".join(figures[:MOST])}</div>{more}'


def _figure(picture: str, caption: str) -> str:
    return f"<figure>{picture}<figcaption>{_text(caption)}</figcaption></figure>"


def _drawing(clip: Clip) -> str:
    """The people of a clip at some moments, side by side, left orange and right blue."""
    points = clip.keypoints[:, [int(m * (len(clip.times) - 1)) for m in MOMENTS]]
    seen = points[..., 2] > 0
    if not seen.any():
        return ""
    low, high = points[seen][:, :2].min(axis=0), points[seen][:, :2].max(axis=0)
    scale = SIZE / max(float((high - low).max()), 1.0)
    step = float((high - low)[0]) * scale + 12
    lines = []
    for person in points:
        for number, pose in enumerate(person):
            places = (pose[:, :2] - low) * scale + (number * step + 6, 6)
            lines += [_bone(places, a, b) for a, b in BONES if pose[[a, b], 2].all()]
    wide, high_ = step * len(MOMENTS), float((high - low)[1]) * scale + 12
    return f'<svg viewBox="0 0 {wide:.0f} {high_:.0f}" aria-hidden="true">{"".join(lines)}</svg>'


def _bone(places: np.ndarray, a: int, b: int) -> str:
    sides = {JOINTS[joint].split()[0] for joint in (a, b)}
    side = next(iter(sides)) if len(sides) == 1 else ""
    (x, y), (u, v) = places[a], places[b]
    return f'<line class="{side}" x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}"/>'


def _picture(path: Path | None) -> str:
    """The first frame of a clip, small; nothing of one that is no video."""
    if path is None:
        return ""
    try:
        with open_source(path) as source:
            image = next(iter(source)).image
    except (UserError, StopIteration):
        return ""
    scale = 240 / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    coded = base64.b64encode(cv2.imencode(".jpg", small)[1].tobytes()).decode()
    return f'<img alt="" src="data:image/jpeg;base64,{coded}">'
