"""Train the network of a course within a time, and go on where a run was interrupted."""

import copy
import shutil
import time

import numpy as np
import torch

from models.action.strl import STRL
from models.files import read_json, write_json
from models.training.recipes import clip_identities, finetune
from models.training.runner import FineTuning, RunOptions
from models.training.teaching.course import Course

LEAST_STEPS = 40
"""Steps of training below which it is left out."""
BATCH = 16
"""Windows a step, as in the config."""


def plan_epochs(course: Course, model: STRL, trainings: int) -> int:
    """How many epochs each training may take; 0 if there is too little time.

    An unfinished run in the folder has decided already.
    """
    path = course.settings.work_dir / "plan.json"
    identity = {
        "clips": [list(pair) for pair in clip_identities(course.clips)],
        "labels": [clip.label for clip in course.clips],
        "parts": course.parts,
        "seconds": course.settings.seconds,
        "seed": course.settings.seed,
    }
    if path.exists():
        plan = read_json(path, "plan of an unfinished run")
        if isinstance(plan, dict) and plan.get("of") == identity:
            course.tell("going on where it was")
            return int(plan["epochs"])
        shutil.rmtree(path.parent)
    seconds = course.settings.seconds / trainings
    if seconds < 1:
        return 0
    steps = int(seconds / _step_seconds(course, model))
    epochs = steps * BATCH // int(course.config.finetune.length)
    if steps < LEAST_STEPS or epochs < 1:
        return 0
    course.settings.work_dir.mkdir(parents=True, exist_ok=True)
    write_json(path, {"of": identity, "epochs": epochs})
    return epochs


def _step_seconds(course: Course, model: STRL) -> float:
    """Measure how long a step of training takes."""
    tried = FineTuning(copy.deepcopy(model)).train()
    drawn = course.samples(None, False, BATCH * 4, 0)
    assert drawn is not None
    taken = []
    for step in range(4):
        began = time.monotonic()
        batch = zip(*(drawn[step * BATCH + index] for index in range(BATCH)), strict=True)
        window, present, target = (torch.from_numpy(np.stack(values)) for values in batch)
        tried(window, present, target)["loss"].backward()
        taken.append(time.monotonic() - began)
    return 1.15 * float(np.median(taken))  # the optimiser and the moving average take the rest


def train(course: Course, start: STRL, part: int | None, epochs: int) -> STRL:
    """Train without the clips of a part, or with all; a finished training is read again."""
    name = "whole" if part is None else f"part_{part}"
    done = course.settings.work_dir / f"{name}.safetensors"
    if done.exists():
        return STRL.load(done)
    course.tell(f"training {'with all clips' if part is None else f'without part {part + 1}'}")
    config = copy.deepcopy(course.config)
    config.finetune.schedule.epochs = epochs
    clips = [
        c for c, p in zip(course.clips, course.parts, strict=True) if part is None or p != part
    ]
    folder = course.settings.work_dir / name
    begun = (folder / "last_checkpoint").exists()
    options = RunOptions(folder, course.settings.seed, resume=begun, level="ERROR")
    model = finetune(config, [*clips, *course.negatives], options, start)
    model.clips = start.clips
    model.save(done)
    return model
