"""Teach actions from a folder of labelled clips."""

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.action.label import label_name
from models.action.strl import STRL
from models.data.pyskl import Clip, unit_of
from models.data.recording import present_only
from models.errors import UserError
from models.part import write_whole
from models.training.teaching.course import CourseSettings
from models.training.teaching.people import performers
from models.training.teaching.teach import teach as teach_clips
from pipeline.cluster import available_cores
from pipeline.engine import WEIGHTS
from pipeline.extract.dataset import DataSet, Plan, assemble
from pipeline.extract.store import Store
from pipeline.extract.video import Settings
from pipeline.extract.workers import extract_all
from pipeline.teaching.page import page
from pipeline.teaching.report import Report

LEAST = 1 / 4
"""Share of the time that training gets at least, however long extraction takes."""

Extract = Callable[[Plan, Store, Settings, int], None]


def teach(
    clips: str | Path,
    out: str | Path,
    weights: str | Path = WEIGHTS,
    minutes: float = 5.0,
    extend: bool = False,
    people: int | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    processes: int | None = None,
    extract: Extract | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Report:
    """Teach the labels of clips, and write the weights, and beside them a page that judges them.

    Skeletons are kept beside the clips, in `.skeletons`. A run that was interrupted goes on where
    it was, if it is called with the same arguments.

    Args:
        clips: a folder with a folder for each label, or a list (see `find_clips`). Clips of
            `NOTHING` should get no label.
        out: the weights, `.safetensors`. The page is beside them, with the suffix `.html`.
        weights: what to start from.
        minutes: for everything; training gets what extraction leaves of it, a quarter at least.
            With none, only a head is fitted.
        extend: add the labels to those of the weights.
        people: how many people every label is about; if None, as the clips look.
        seed: seed of all random numbers.
        settings: how skeletons are found.
        processes: how many extract at once; one a core if None.
        extract: extracts what the plan misses; without progress if None.
        tell: told of each stage, in a line.

    Raises:
        UserError: there are no clips that can be used, or too few; a file cannot be read or
            written, or a label is too long.
    """
    began = time.monotonic()
    source, out = Path(clips), Path(out)
    check_weights(out)
    base = STRL.load(weights)
    settings = settings or Settings()
    store = Store(skeletons_folder(source), settings)
    plan = Plan(source, store, ignored=[out, _work_dir(out), out.with_suffix(".html")])
    if not plan.found:
        raise UserError(f"{source} is empty: put clips into it, a folder for each label")
    (extract or _extract)(plan, store, settings, processes or available_cores())
    named = [replace(clip, label=label_name(clip.label)) for clip in plan.examples()]
    data = assemble(named, people)
    left_out = plan.left_out + data.left_out
    for remark in left_out:
        tell(f"left out {remark}")
    for remark in data.notes:
        tell(f"note on {remark}")
    if not data.annotations:
        raise UserError(f"no clip in {source} can be used: see why each was left out")
    taken = _clips(data)
    names = [annotation["frame_dir"] for annotation in data.annotations]
    acting = performers(names, [clip.label for clip in taken])
    left = max(60 * minutes - (time.monotonic() - began), LEAST * 60 * minutes)
    taught = teach_clips(
        *(base, taken),
        {label.label: label.people for label in data.labels if label.people is not None},
        acting,
        CourseSettings(_work_dir(out), left, extend, seed),
        tell,
        lambda found: _keep(found.model, out, tell),
    )
    taught.model.save(out)
    report = Report(
        taught=taught,
        labels=data.labels,
        left_out=left_out,
        notes=data.notes,
        by_person=acting is not None,
        seconds=time.monotonic() - began,
        extended=len(base.labels) if extend else 0,
    )
    write_whole(out.with_suffix(".html"), page(report, out.name, plan.paths).encode())
    _clear(_work_dir(out))
    return report


def check_weights(out: Path) -> None:
    """Check the name of the weights to write.

    Raises:
        UserError: it is not one of weights.
    """
    if out.is_dir() or out.suffix != ".safetensors":
        raise UserError(f"the weights {out} must be a file that ends in .safetensors")


def skeletons_folder(source: Path) -> Path:
    """Where the skeletons of a folder or of a list of clips are kept."""
    return source / ".skeletons" if source.is_dir() else source.with_suffix(".skeletons")


def _work_dir(out: Path) -> Path:
    return out.with_suffix(".teaching")


def _extract(plan: Plan, store: Store, settings: Settings, processes: int) -> None:
    outcomes = extract_all(plan.missing, store, settings, processes)
    with closing(outcomes):
        for key, outcome in outcomes:
            plan.add(key, outcome)


def _keep(model: STRL, out: Path, tell: Callable[[str], None]) -> None:
    """Write the first weights, which can be used while the network is trained."""
    model.save(out)
    tell(f"{out} can be used already")


def _clips(data: DataSet) -> list[Clip]:
    """The clips of a data set, as training takes them."""
    clips = []
    for made in data.annotations:
        score = made["keypoint_score"][..., None]
        points = present_only(np.concatenate([made["keypoint"], score], axis=-1))
        clips.append(
            Clip(
                name=f"own/{made['frame_dir'][-900:]}",
                label=data.classes[made["label"]],
                times=np.arange(points.shape[1]) / made["fps"],
                keypoints=points,
                unit=unit_of(points),
            )
        )
    return clips


def _clear(folder: Path) -> None:
    """Remove the state of a training that is finished."""
    shutil.rmtree(folder, ignore_errors=True)
