"""Studies: lists of trainings and their figures, made by any number of processes in one folder."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout
from mmengine.config import Config

from models.action.skeleton_mae import SkeletonMAE
from models.data.pyskl import Clip, hold_out, load_split
from models.errors import UserError
from models.files import write_json
from models.training.evaluation import evaluate
from models.training.probe import linear_probe
from models.training.recipes import finetune, pretrain, seen

POLL = 2.0
"""Seconds between looks at what the other processes have left to do."""

RATE = "finetune.schedule.lr"


@dataclass(frozen=True)
class Run:
    """One training and its figures.

    Attributes:
        name: for people to read, and for `--only`.
        row: what the tables know it by.
        protocol: key of the config's `protocols`.
        seed: of the training, and of the part of the labels.
        pretraining: seed of the pre-training, which is shared by all runs it fits; None: none.
        fraction: part of the training labels that is used.
        validate: train without the validation part of the training clips, and evaluate on it.
        people: 1 shows the first person of every clip alone.
        linear: a linear probe of the pre-trained encoder instead of fine-tuning.
        overrides: (dotted key, value) pairs that replace values of the recipe.
        trials: runs that try the learning rate; the best one's is taken.
    """

    name: str
    row: str
    protocol: str
    seed: int = 0
    pretraining: int | None = None
    fraction: float = 1.0
    validate: bool = False
    people: int = 2
    linear: bool = False
    overrides: tuple[tuple[str, object], ...] = ()
    trials: tuple["Run", ...] = ()


def benchmark(config: Config, seeds: list[int]) -> Iterator[Run]:
    """Every protocol with every seed; `overrides` are for the protocols of one mean."""
    for seed, (name, protocol) in product(seeds, config.protocols.items()):
        overrides = config.study.get("overrides", {}).get(protocol.get("mean"), {})
        yield Run(
            *(f"{name}, seed {seed}", name, name, seed),
            pretraining=seed,
            overrides=tuple(overrides.items()),
        )


def fractions(config: Config, seeds: list[int]) -> Iterator[Run]:
    """Pre-trained and from scratch, each with its best learning rate, on parts of the labels.

    A seed chooses the same clips for both; one pre-training a protocol serves them all.
    """
    study = config.study
    arms = {"from scratch": None, "pre-trained": 0}
    for protocol in study.protocols:
        trials = {
            arm: tuple(
                Run(
                    *(f"{protocol}, trial, {arm}, rate {rate:g}, seed {seed}", arm, protocol, seed),
                    pretraining=pretraining,
                    fraction=study.tuning.fraction,
                    validate=True,
                    overrides=((RATE, rate),),
                )
                for rate, seed in product(study.tuning.rates, study.tuning.seeds)
            )
            for arm, pretraining in arms.items()
        }
        for fraction, seed, arm in product(study.fractions, seeds, arms):
            yield Run(
                *(f"{protocol}, {fraction:.0%}, {arm}, seed {seed}", arm, protocol, seed),
                pretraining=arms[arm],
                fraction=fraction,
                trials=trials[arm],
            )


def ablation(config: Config, seeds: list[int]) -> Iterator[Run]:
    """The recipe and its variants."""
    study = config.study
    for (name, variant), seed in product(study.variants.items(), seeds):
        protocol = variant.get("protocol", study.protocol)
        yield Run(
            *(f"{name}, seed {seed}", name, protocol, seed),
            pretraining=seed if variant.get("pretrained", True) else None,
            validate=study.validate,
            people=variant.get("people", 2),
            linear=variant.get("linear", False),
            overrides=tuple(variant.get("overrides", {}).items()),
        )


KINDS = {"benchmark": benchmark, "fractions": fractions, "ablation": ablation}


class Study:
    """A config's runs, and what is known of them in a folder: a JSON file each.

    A file is found again by what the run is (its recipe, clips and seeds) and not by its name:
    runs that are the same are done once, and after a change of the recipe what it changes is new.

    Args:
        config: with `protocols`, and `study` with its `kind`; see `models/configs/benchmark.py`.
        out: for results, and the folders of the trainings.
        seeds: instead of the config's.
        only: the runs whose name begins so, and the trials that they need.
    """

    def __init__(
        self, config: Config, out: Path, seeds: list[int] | None = None, only: str = ""
    ) -> None:
        if "study" not in config:
            raise UserError("the config has no study")
        self.config, self.out = config, out
        chosen = KINDS[config.study.kind](config, seeds or config.study.seeds)
        chosen = [run for run in chosen if run.name.startswith(only)]
        if not chosen:
            raise UserError(f"no run's name begins with '{only}'")
        self.results = chosen
        # Each run after its trials, and trials that several runs share once.
        self.runs = list({r.name: r for run in chosen for r in (*run.trials, run)}.values())

    def work(self, folder: Path, amp: bool = False) -> None:
        """Do what is not done, sharing it with other processes that do the same.

        Args:
            folder: where the data sets are.
            amp: compute in bfloat16 where safe.
        """
        while waiting := [run for run in self.runs if self.record(run) is None]:
            if not any(self._claim(run, folder, amp) for run in waiting):
                time.sleep(POLL)

    def records(self) -> list[dict]:
        """What the results' files hold, the trials' left out."""
        return [record for run in self.results if (record := self.record(run)) is not None]

    def record(self, run: Run) -> dict | None:
        """What the run's file holds; None while there is none."""
        identity = self._identity(run)
        path = identity and next(self.out.glob(f"*-{_digest(identity)}.json"), None)
        if not path:
            return None
        return json.loads(path.read_text()) | {"name": run.name, "row": run.row}

    def _identity(self, run: Run) -> dict | None:
        """All that makes a difference to the run's figures; None while its trials are not done."""
        overrides = dict(run.overrides)
        if run.trials:
            tried: dict[float, list[float]] = {}
            for trial in run.trials:
                if (record := self.record(trial)) is None:
                    return None
                tried.setdefault(dict(trial.overrides)[RATE], []).append(record["top-1"])
            overrides[RATE] = max(tried, key=lambda rate: np.mean(tried[rate]))
        stages = ("pretrain", "finetune") if run.pretraining is not None else ("finetune",)
        recipe = Config({stage: self.config[stage].to_dict() for stage in stages})
        recipe.merge_from_dict(
            {key: value for key, value in overrides.items() if key.split(".")[0] in stages}
        )
        identity = asdict(run) | {"recipe": recipe.to_dict()}
        for key in ("name", "row", "overrides", "trials"):
            del identity[key]
        protocol = self.config.protocols[run.protocol].to_dict()
        keys = ("data", "train", "validation" if run.validate else "test")
        return identity | {"clips of": {key: protocol.get(key) for key in keys}}

    def _claim(self, run: Run, folder: Path, amp: bool) -> bool:
        """Carry a run out, unless another process is at it or it has to wait for its trials.

        The operating system takes a lock from a process that dies, so no claim outlives its owner.
        """
        if (identity := self._identity(run)) is None:
            return False
        lock = FileLock(_made(self.out / "locks") / f"{_digest(identity)}.lock")
        try:
            claim = lock.acquire(blocking=False)
        except Timeout:
            return False
        with claim:
            if self.record(run) is None:
                self._carry_out(run, identity, folder, amp)
        return True

    def _carry_out(self, run: Run, identity: dict, folder: Path, amp: bool) -> None:
        recipe = Config(identity["recipe"])
        path = self.out / f"{_slug(run.name)}-{_digest(identity)}.json"
        work = self.out / "work" / path.stem
        everything, test = self._clips(run, folder)
        clips = part(everything, run.fraction, run.seed)
        source, record = None, {}
        if run.pretraining is not None:
            source, minutes = self._pretrained(run, recipe, everything, amp)
            record["pre-training minutes"] = minutes
        start, whole = time.monotonic(), not work.exists()
        if run.linear:
            model = linear_probe(source, clips, recipe.finetune.mode)
        else:
            options = {"seed": run.seed, "amp": amp, "work_dir": work, "resume": True}
            model = finetune(recipe, clips, source and SkeletonMAE.load(source), **options)
        # What was interrupted took longer than what is measured here.
        record["minutes"] = (time.monotonic() - start) / 60 if whole else None
        record |= {"amp": amp, "threads": torch.get_num_threads()}
        record["training clips"] = len({clip.name for clip in clips})
        figures = evaluate(model, test, recipe.finetune.mode).figures
        write_json(path, {"name": run.name, "row": run.row, **record, **figures, **identity})
        done = sum(self.record(run) is not None for run in self.runs)
        took = f"{(time.monotonic() - start) / 60:.1f} min"
        top = f"top-1 {figures['top-1']:.1%}"
        print(f"[{done} of {len(self.runs)}] {run.name}: {top}, {took}", flush=True)

    def _clips(self, run: Run, folder: Path) -> tuple[list[Clip], list[Clip]]:
        """To train and to evaluate on."""
        protocol = self.config.protocols[run.protocol]
        file = [folder / protocol.data]
        train, test = load_split(file, protocol.train), load_split(file, protocol.test)
        if run.validate:
            train, test = hold_out(train, protocol.get("validation", []))
        if run.people == 1:
            train, test = (
                [replace(clip, keypoints=clip.keypoints[:1]) for clip in clips]
                for clips in (train, test)
            )
        return train, test

    def _pretrained(
        self, run: Run, recipe: Config, clips: list[Clip], amp: bool
    ) -> tuple[Path, float | None]:
        """The checkpoint of this recipe and these clips, made if need be, and its minutes."""
        identity = [recipe.pretrain.to_dict(), seen(clips), run.pretraining]
        folder = _made(self.out / "pretrained")
        path = folder / f"{_slug(run.protocol)}-{_digest(identity)}.safetensors"
        work, notes = path.with_suffix(""), path.with_suffix(".json")
        with FileLock(f"{path}.lock"):
            if not notes.exists():
                start, whole = time.monotonic(), not work.exists()
                options = {"seed": run.pretraining, "amp": amp, "work_dir": work, "resume": True}
                pretrain(recipe, clips, **options).save(path)
                minutes = (time.monotonic() - start) / 60 if whole else None
                write_json(notes, {"minutes": minutes, "clips": len(clips)})
        return path, json.loads(notes.read_text())["minutes"]


def part(clips: list[Clip], fraction: float, seed: int) -> list[Clip]:
    """A part of every class, at least one clip, repeated until there are as many as before.

    So an epoch has as many steps, and a step as many samples, whatever the fraction. Parts of one
    seed lie within each other.
    """
    if fraction == 1:
        return clips
    rng = np.random.default_rng(seed)
    kept = []
    for label in sorted({clip.label for clip in clips}):
        same = [clip for clip in clips if clip.label == label]
        order = rng.permutation(len(same))
        kept += [same[index] for index in order[: max(round(fraction * len(same)), 1)]]
    return (kept * -(-len(clips) // len(kept)))[: len(clips)]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _slug(name: str) -> str:
    return "".join(sign if sign.isalnum() else "_" for sign in name)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
