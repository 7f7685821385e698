"""Studies: many trainings and their figures, by any number of processes that share a folder."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from mmengine.config import Config

from models.action.strl import STRL, load_network
from models.data.pyskl import Clip, hold_out, load_split
from models.errors import UserError
from models.files import write_json
from models.training.evaluation import evaluate
from models.training.probe import Probe, linear_probe
from models.training.recipes import (
    backbone_arguments,
    clip_identities,
    finetune,
    pretrain,
    pretraining,
    train_peer,
)
from models.training.runner import RunOptions
from models.training.stgcn import STGCNPlusPlus, load_backbone

POLL = 2.0
"""Seconds to wait for other processes before the next check for unfinished runs."""

RATE = "finetune.schedule.lr"
"""Config key of the learning rate."""

SCRATCH = "from scratch"
"""The arm of a study of few labels that is not pre-trained."""

Record = dict[str, Any]
"""What a run's JSON file holds."""


@dataclass(frozen=True)
class Run:
    """A training of STRL, or of a peer, and its evaluation.

    Attributes:
        name: name to read, and to choose runs by with `--only`.
        row: row of the table that the run belongs to.
        protocol: key of the config's `protocols`.
        seed: seed of the training, and of the subset of the training clips.
        pretraining: seed of the pre-training, which all runs that it fits share; None means
            without pre-training.
        fraction: fraction of the training clips to use; above 1, clips of every class.
        stage: key of the config that describes the pre-training, "pretrain" or "motion".
        validate: hold out the validation part of the training clips, and evaluate on it.
        people: 1 keeps only the first person of every clip.
        linear: fit a linear probe of the pre-trained encoder instead of fine-tuning.
        overrides: (dotted key, value) pairs that replace values of the recipe.
        peer: key of the config's `study.peers`, to train ST-GCN++ in place of STRL.
        trials: runs that try learning rates; this run takes the best.
    """

    name: str
    row: str
    protocol: str
    seed: int = 0
    pretraining: int | None = None
    fraction: float = 1.0
    stage: str = "pretrain"
    validate: bool = False
    people: int = 2
    linear: bool = False
    overrides: tuple[tuple[str, Any], ...] = ()
    peer: str | None = None
    trials: tuple["Run", ...] = ()


def benchmark(config: Config, seeds: list[int]) -> Iterator[Run]:
    """List the runs of a benchmark: every protocol with every seed.

    `config.study.overrides` changes the recipe of a protocol, or of those that share a mean.
    """
    for seed, (name, protocol) in product(seeds, config.protocols.items()):
        overrides = config.study.get("overrides", {}).get(protocol.get("mean", name), {})
        yield Run(
            *(f"{name}, seed {seed}", name, name, seed),
            pretraining=seed,
            overrides=tuple(overrides.items()),
        )


def fractions(config: Config, seeds: list[int]) -> Iterator[Run]:
    """List the runs of a study of few labels: pre-trained and from scratch, on subsets of clips.

    `config.study.arms` has the `stage` of each pre-trained arm, and whether it is `linear`, a probe
    of frozen features. The others take their own best learning rate each. A seed draws the same
    subset for all. All runs of a protocol and stage share one pre-training.
    """
    study = config.study
    for protocol in study.protocols:
        plans: dict[str, dict[str, Any]] = {}
        for arm, start in arms(config).items():
            if start.get("linear"):
                plans[arm] = start
                continue
            trials = tuple(
                Run(
                    *(f"{protocol}, trial, {arm}, rate {rate:g}, seed {seed}", arm, protocol, seed),
                    fraction=study.tuning.fraction,
                    validate=True,
                    overrides=((RATE, rate),),
                    **start,
                )
                for rate, seed in product(study.tuning.rates, study.tuning.seeds)
            )
            plans[arm] = {**start, "trials": trials}
        for fraction, seed, arm in product(study.fractions, seeds, plans):
            yield Run(
                *(f"{protocol}, {portion(fraction)}, {arm}, seed {seed}", arm, protocol, seed),
                fraction=fraction,
                **plans[arm],
            )


def arms(config: Config) -> dict[str, dict[str, Any]]:
    """Return the arms of a study of few labels, and what each says of its runs."""
    pretrained = config.study.get("arms", {"pre-trained": {"stage": "pretrain"}})
    return {SCRATCH: {}} | {arm: {**start, "pretraining": 0} for arm, start in pretrained.items()}


def portion(fraction: float) -> str:
    """Name a part of the training clips: "10%", or "5 clips a class"."""
    return f"{fraction:.0%}" if fraction <= 1 else f"{fraction} clips a class"


def ablation(config: Config, seeds: list[int]) -> Iterator[Run]:
    """List the runs of an ablation: the recipe and its variants."""
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


def with_peers(config: Config, runs: Iterable[Run], peers: Sequence[str]) -> Iterator[Run]:
    """List the runs of a benchmark, each followed by the same of peers: equal windows and seeds.

    `config.study.peers` has the peers' names, and by protocol or mean what else they change.

    Raises:
        UserError: the study does not have a peer.
    """
    known = config.study.get("peers", {})
    if unknown := [peer for peer in peers if peer not in known]:
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise UserError(f"the study has no peer '{unknown[0]}': {has}")
    for run in runs:
        yield run
        for peer in dict.fromkeys(peers):
            key = config.protocols[run.protocol].get("mean", run.protocol)
            yield replace(
                run,
                name=f"{run.row}, {peer}, seed {run.seed}",
                pretraining=None,
                overrides=run.overrides + tuple(known[peer].get(key, {}).items()),
                peer=peer,
            )


KINDS = {"benchmark": benchmark, "fractions": fractions, "ablation": ablation}
"""Functions that list the runs of each kind of study."""


class Study:
    """The runs of a config, and their records in a folder, one JSON file a run.

    A record is found by the content of its run (recipe, clips and seeds) and not by its name. So
    equal runs are done once, and a change of the recipe makes new runs of those that it affects.

    Args:
        config: config with `protocols`, and `study` with its `kind`, such as
            `models/configs/benchmark.py`.
        out: folder of the records, the trainings and the pre-trained networks.
        seeds: seeds to use instead of the config's.
        only: prefix of the names of the runs to do; the trials that they need are added.
        peers: other networks to compare with, of the config's `study.peers`.

    Attributes:
        results: the runs of the table.
        runs: the same and their trials, in the order in which to do them.

    Raises:
        UserError: the config has no study or no such peer, or no run's name has the prefix.
    """

    def __init__(
        self,
        config: Config,
        out: Path,
        seeds: list[int] | None = None,
        only: str = "",
        peers: Sequence[str] = (),
    ) -> None:
        if "study" not in config:
            raise UserError("the config has no study")
        self.config, self.out = config, out
        planned = KINDS[config.study.kind](config, seeds or config.study.seeds)
        planned = with_peers(config, planned, peers)
        self.results = [run for run in planned if run.name.startswith(only)]
        if not self.results:
            raise UserError(f"no run's name begins with '{only}'")
        # Each run comes after its trials; trials that several runs share come once.
        self.runs = list({r.name: r for run in self.results for r in (*run.trials, run)}.values())

    def work(self, folder: Path, amp: bool = False) -> None:
        """Do the unfinished runs, and share them with other processes that do the same.

        Args:
            folder: folder of the data sets.
            amp: compute in bfloat16 where that is safe.

        Raises:
            UserError: a data set cannot be read, a file cannot be written, or a peer is not
                installed.
        """
        if any(run.peer and self.record(run) is None for run in self.runs):
            load_backbone()
        while waiting := [run for run in self.runs if self.record(run) is None]:
            if not any(self._claim(run, folder, amp) for run in waiting):
                time.sleep(POLL)

    def records(self) -> list[Record]:
        """Return the records of the runs that are done, without those of the trials."""
        return [record for run in self.results if (record := self.record(run)) is not None]

    def record(self, run: Run) -> Record | None:
        """Return the record of a run, or None if it is not done."""
        if (identity := self._identity(run)) is None:
            return None
        path = next(self.out.glob(f"*-{_digest(identity)}.json"), None)
        if path is None:
            return None
        return json.loads(path.read_text()) | {"name": run.name, "row": run.row}

    def _identity(self, run: Run) -> Record | None:
        """Return all that the figures of a run depend on, or None if its trials are not done."""
        overrides = dict(run.overrides)
        if run.trials:
            if (rate := self._best_rate(run.trials)) is None:
                return None
            overrides[RATE] = rate
        stages = (run.stage, "finetune") if run.pretraining is not None else ("finetune",)
        recipe = Config({stage: self.config[stage].to_dict() for stage in stages})
        if "motion" in stages:  # what older records have says nothing of SkeletonMAE, the default
            recipe.pretraining = "motion"
        recipe.merge_from_dict(
            {key: value for key, value in overrides.items() if key.split(".")[0] in stages}
        )
        identity = asdict(run) | {"recipe": recipe.to_dict()}
        for key in ("name", "row", "overrides", "trials", "stage"):
            del identity[key]
        if run.peer is None:
            del identity["peer"]
        else:
            del identity["recipe"]["finetune"]["model"]
        if run.pretraining is not None and "unlabelled" in self.config.study:
            identity["unlabelled"] = self.config.study.unlabelled.to_dict()
        protocol = self.config.protocols[run.protocol].to_dict()
        keys = ("data", "train", "validation" if run.validate else "test")
        return identity | {"clips of": {key: protocol.get(key) for key in keys}}

    def _best_rate(self, trials: tuple[Run, ...]) -> float | None:
        """Return the learning rate of the best mean top-1, or None if the trials are not done."""
        tried: dict[float, list[float]] = {}
        for trial in trials:
            if (record := self.record(trial)) is None:
                return None
            tried.setdefault(dict(trial.overrides)[RATE], []).append(record["top-1"])
        return max(tried, key=lambda rate: np.mean(tried[rate]))

    def _claim(self, run: Run, folder: Path, amp: bool) -> bool:
        """Do a run, unless another process is at it or its trials are not done.

        The operating system releases the lock of a process that dies, so that no claim outlives its
        owner.

        Returns:
            Whether the run is done now.
        """
        if (identity := self._identity(run)) is None:
            return False
        lock = FileLock(_make_folder(self.out / "locks") / f"{_digest(identity)}.lock")
        try:
            claim = lock.acquire(blocking=False)
        except Timeout:
            return False
        with claim:
            if self.record(run) is None:
                self._execute(run, identity, folder, amp)
        return True

    def _execute(self, run: Run, identity: Record, folder: Path, amp: bool) -> None:
        """Pre-train if need be, train, evaluate, and write the record."""
        recipe = Config(identity["recipe"])
        path = self.out / f"{_slug(run.name)}-{_digest(identity)}.json"
        work = self.out / "work" / path.stem
        everything, test = self._clips(run, folder)
        clips = subsample(everything, run.fraction, run.seed)
        source: Path | None = None
        record: Record = {}
        if run.pretraining is not None:
            name, pool = run.protocol, everything
            if more := self._unlabelled(folder, everything + test):
                # In the same order whatever the protocol, so that protocols can share the network.
                name, pool = "shared", sorted(everything + more, key=lambda clip: clip.name)
            source, minutes = self._pretrain(name, run.pretraining, recipe, pool, amp)
            record["pre-training minutes"] = minutes
        start, whole = time.monotonic(), not work.exists()
        model = _train(run, recipe, clips, source, RunOptions(work, run.seed, resume=True, amp=amp))
        # A resumed run took longer than is measured here.
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
        """Load the clips to train on and those to evaluate on."""
        protocol = self.config.protocols[run.protocol]
        file = [folder / protocol.data]
        train, test = load_split(file, protocol.train), load_split(file, protocol.test)
        if run.validate:
            train, test = hold_out(train, protocol.get("validation", []))
        if run.people == 1:
            train, test = ([clip.person(0) for clip in clips] for clips in (train, test))
        return train, test

    def _unlabelled(self, folder: Path, known: list[Clip]) -> list[Clip]:
        """Load further clips to pre-train on, but none of those that the run trains or tests on."""
        names = {clip.name for clip in known}
        return [
            clip
            for file, splits in self.config.study.get("unlabelled", {}).items()
            for clip in load_split([folder / file], splits)
            if clip.name not in names
        ]

    def _pretrain(
        self, name: str, seed: int, recipe: Config, clips: list[Clip], amp: bool
    ) -> tuple[Path, float | None]:
        """Pre-train on clips, unless the folder has the checkpoint, whose file is named by `name`.

        Returns:
            The checkpoint, and the minutes that it took; None if it was interrupted.
        """
        identity = [pretraining(recipe).to_dict(), clip_identities(clips), seed]
        if "motion" in recipe:
            identity.append(backbone_arguments(recipe))
        folder = _make_folder(self.out / "pretrained")
        path = folder / f"{_slug(name)}-{_digest(identity)}.safetensors"
        work, notes = path.with_suffix(""), path.with_suffix(".json")
        with FileLock(f"{path}.lock"):
            if not notes.exists():
                start, whole = time.monotonic(), not work.exists()
                pretrain(recipe, clips, RunOptions(work, seed, resume=True, amp=amp)).save(path)
                minutes = (time.monotonic() - start) / 60 if whole else None
                write_json(notes, {"minutes": minutes, "clips": len(clips)})
        return path, json.loads(notes.read_text())["minutes"]


def _train(
    run: Run, recipe: Config, clips: list[Clip], source: Path | None, options: RunOptions
) -> STRL | STGCNPlusPlus | Probe:
    """Fine-tune a classifier or fit a linear probe, from a pre-trained network; or train a peer.

    Raises:
        UserError: a linear probe is asked for without pre-training.
    """
    if run.peer:
        return train_peer(recipe, clips, options)
    if not run.linear:
        return finetune(recipe, clips, options, load_network(source) if source else None)
    if source is None:
        raise UserError(f"the run '{run.name}' needs pre-training for its linear probe")
    # A subset repeats its clips, which gives training its steps and a probe nothing.
    once = list({clip.name: clip for clip in clips}.values())
    return linear_probe(source, once, recipe.finetune.mode)


def subsample(clips: list[Clip], fraction: float, seed: int) -> list[Clip]:
    """Draw a stratified subset of clips, and repeat it up to the number of all clips.

    So the steps of an epoch and the samples of a step do not depend on the fraction. Subsets of one
    seed are nested.

    Args:
        clips: the clips.
        fraction: fraction of every class to draw, at least one clip; above 1, clips of each.
        seed: seed of the subset.
    """
    if fraction == 1:
        return clips
    rng = np.random.default_rng(seed)
    kept = []
    for label in sorted({clip.label for clip in clips}):
        same = [clip for clip in clips if clip.label == label]
        order = rng.permutation(len(same))
        count = fraction if fraction > 1 else max(round(fraction * len(same)), 1)
        kept += [same[index] for index in order[: int(count)]]
    return (kept * -(-len(clips) // len(kept)))[: len(clips)]


def _digest(value: object) -> str:
    """Hash what JSON can hold, 12 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _slug(name: str) -> str:
    """Make a name fit for a file."""
    return "".join(sign if sign.isalnum() else "_" for sign in name)


def _make_folder(folder: Path) -> Path:
    """Make a folder if it is missing, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder
