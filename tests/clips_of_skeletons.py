"""Folders of labelled clips that are files of skeletons: nothing is to be extracted from them."""

import csv

import numpy as np

from models.skeleton import FLIP, JOINTS
from tests.skeletons import act

ACTIONS = {"wave": 0, "squat": 1}


def write_clip(path, action, seed=0, frames=50, mirrored=False, people=1):
    """Write a CSV of people who wave (0) or squat (1), at 30 frames a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng((seed, action))
    bodies = [act(action, frames, rng) for _ in range(people)]
    if mirrored:
        bodies = [(points * (-1, 1) + (600, 0))[:, list(FLIP)] for points in bodies]
    names = [name.replace(" ", "_") for name in JOINTS]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "person", *(f"{name}_{axis}" for name in names for axis in "xy")])
        for frame in range(frames):
            for person, points in enumerate(bodies):
                writer.writerow([frame / 30, person, *points[frame].ravel().tolist()])
    return path


def write_folder(folder, people=("anna", "ben", "eva"), takes=1):
    """Write clips of both actions by several people: `<label>/<person>_<take>.csv`."""
    for label, action in ACTIONS.items():
        for number, person in enumerate(people):
            for take in range(takes):
                name = f"{person}_{take}.csv"
                write_clip(folder / label / name, action, 10 * number + take)
    return folder
