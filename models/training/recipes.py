"""Recipes: from a config and clips to a trained network."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict

from models.action.backbone import Backbone
from models.action.label import NOTHING, Label
from models.action.motion_mae import MotionMAE
from models.action.skeleton_mae import SkeletonMAE
from models.action.strl import STRL
from models.data.augment import Augmentation
from models.data.camera import Cameras
from models.data.live import LiveWindows
from models.data.puppet.clips import KNOWN, perform
from models.data.pyskl import Clip, labelled
from models.data.shares import Shares
from models.data.windows import ClipWindows
from models.errors import UserError
from models.training.evaluation import fit_temperature, fit_threshold, predict
from models.training.runner import (
    FineTuning,
    Pretraining,
    RunOptions,
    WindowPretraining,
    settle_norms,
    train,
)
from models.training.stgcn import STGCNPlusPlus


def read_config(path: str | Path) -> Config:
    """Read an MMEngine config. It is Python, and is run: read only those you trust.

    Raises:
        UserError: the file is missing, or is not a config.
    """
    try:
        return Config.fromfile(path)
    except Exception as error:  # a config is a program, and may fail in any way
        raise UserError(f"cannot read the config {path}: {error}") from error


def clip_identities(clips: Sequence[Clip]) -> list[list[str]]:
    """List what a checkpoint stores of its training clips: [name, fingerprint] of each."""
    return [[clip.name, clip.fingerprint] for clip in clips]


def pretraining(config: Config) -> ConfigDict:
    """Return the settings of the pre-training that a config asks for."""
    return config[_pretraining_stage(config)]


def _pretraining_stage(config: Config) -> str:
    """Return "pretrain", which is SkeletonMAE's, or "motion"."""
    return config.get("pretraining", "pretrain")


def pretrain(config: Config, clips: list[Clip], options: RunOptions) -> SkeletonMAE | Backbone:
    """Pre-train as `pretraining` of the config says. Labels are not used.

    Args:
        config: a config such as `models/configs/paper.py`, which pre-trains SkeletonMAE, or
            `models/configs/motion.py`, which pre-trains STRL without its head.
        clips: training clips.
        options: how to run the training.

    Raises:
        UserError: there are no clips.
    """
    _check_clips(clips)
    settings = pretraining(config)
    torch.manual_seed(options.seed)
    dataset = ClipWindows(
        clips,
        sorted({clip.label for clip in clips}),
        Augmentation(**settings.augmentation),
        options.seed,
        crop=0.5,
        cameras=_cameras(settings),
        live=settings.get("live", 0.0),
    )
    network: SkeletonMAE | Backbone
    if _pretraining_stage(config) == "motion":
        model = MotionMAE(backbone_arguments(config), **settings.model)
        train(WindowPretraining(model, options.amp), dataset, options, **settings.schedule)
        network = model.backbone
        settle_norms(network, dataset)
    else:
        network = SkeletonMAE(**settings.model)
        train(Pretraining(network, options.amp), dataset, options, **settings.schedule)
    network.clips = clip_identities(clips)
    return network


def backbone_arguments(config: Config) -> dict[str, Any]:
    """Return the arguments of `Backbone` that `config.finetune.model` has."""
    known = signature(Backbone).parameters
    return {name: value for name, value in config.finetune.model.items() if name in known}


def _check_clips(clips: Sequence[Clip]) -> None:
    if not clips:
        raise UserError("no clip is left to train on: see --split, --labels and --validation")


def vocabulary(config: Config, clips: Sequence[Clip]) -> list[Label]:
    """Return the labels of the config or, if it has none, the classes of the clips.

    Raises:
        UserError: a clip has a label that the config does not have.
    """
    classes = {clip.label for clip in labelled(clips)}
    if "labels" not in config.finetune:
        return [Label(name, 0) for name in sorted(classes)]
    labels = [Label(**label) for label in config.finetune.labels]
    if missing := classes - {label.name for label in labels}:
        raise UserError(f"the config has no label {', '.join(sorted(missing))}; map with --labels")
    return labels


def finetune(
    config: Config,
    clips: list[Clip],
    options: RunOptions,
    pretrained: SkeletonMAE | Backbone | None = None,
) -> STRL:
    """Train STRL as `config.finetune` says.

    Args:
        config: a config such as `models/configs/paper.py`.
        clips: training clips, with labels of the model's vocabulary.
        options: how to run the training.
        pretrained: SkeletonMAE or backbone to start from, or STRL to continue from. Default: random
            weights.

    Raises:
        UserError: there are no clips with a label, or a clip has a label that the config does not
            have, or `pretrained` does not fit the config.
    """
    torch.manual_seed(options.seed)
    network = STRL(vocabulary(config, clips), **config.finetune.model)
    if isinstance(pretrained, SkeletonMAE):
        network.load_pretrained(pretrained)
    elif pretrained is not None:
        network.continue_from(pretrained)
    _fit(network, config, clips, options)
    if pretrained is not None:
        network.clips += [clip for clip in pretrained.clips if clip not in network.clips]
    return network


def train_peer(config: Config, clips: list[Clip], options: RunOptions) -> STGCNPlusPlus:
    """Train ST-GCN++ from random weights on the windows, and for the steps, of `config.finetune`.

    It has room for as many people as the clips have. `config.finetune.model` is not used. Other
    arguments and errors as in `finetune`.

    Raises:
        UserError: MMAction2 is not installed.
    """
    torch.manual_seed(options.seed)
    people = max((len(clip.keypoints) for clip in clips), default=1)
    network = STGCNPlusPlus(vocabulary(config, clips), people)
    _fit(network, config, clips, options)
    return network


def _fit(
    network: STRL | STGCNPlusPlus, config: Config, clips: list[Clip], options: RunOptions
) -> None:
    """Train a classifier in place, as `config.finetune` says."""
    _check_clips(labelled(clips))
    settings = config.finetune
    model = FineTuning(network, settings.get("smoothing", 0.0), options.amp)
    puppets = puppet_clips(config, network.labels)
    dataset = training_windows(config, clips, network.labels, options.seed, puppets)
    train(model, dataset, options, **settings.schedule)
    network.clips = clip_identities(clips)


def puppet_clips(config: Config, labels: list[Label]) -> list[Clip]:
    """Perform `config.finetune.puppets` clips of each label that the puppet knows.

    As many clips of `NOTHING` are added. With `puppet_pairs = False` in the config, labels of two
    people are left out.
    """
    alone = not config.finetune.get("puppet_pairs", True)
    names = [NOTHING, *(label.name for label in labels if not (alone and label.people == 2))]
    numbers = range(config.finetune.get("puppets", 0))
    return [perform(name, number) for name in names if name in KNOWN for number in numbers]


def training_windows(
    config: Config,
    clips: list[Clip],
    labels: list[Label],
    seed: int = 0,
    puppets: Sequence[Clip] = (),
) -> ClipWindows | LiveWindows:
    """Make the training samples that `config.finetune.mode` asks for.

    Args:
        config: the config.
        clips: training clips.
        labels: the vocabulary.
        seed: seed of the samples.
        puppets: clips of puppets, for live windows.
    """
    settings = config.finetune
    augmentation = Augmentation(**settings.augmentation)
    if settings.mode == "clip":
        return ClipWindows(
            labelled(clips),
            [label.name for label in labels],
            augmentation,
            seed,
            settings.get("crop", 1.0),
            settings.get("length", 0),
            _cameras(settings),
        )
    return LiveWindows(
        clips,
        list(puppets),
        people={label.name: label.people for label in labels},
        held=frozenset(label.name for label in labels if label.held),
        augmentation=augmentation,
        cyclic=frozenset(settings.cyclic),
        solo=frozenset(settings.solo),
        acting=dict(settings.acting),
        length=settings.length,
        shares=Shares(**settings.shares),
        legs=frozenset(settings.get("legs", ())),
        past=settings.get("past", 0.0),
        seed=seed,
        cameras=_cameras(settings),
    )


def _cameras(settings: ConfigDict) -> Cameras:
    """Return the cameras that a stage of a config films clips in space with."""
    return Cameras(**settings.get("cameras", {}))


def calibrate(config: Config, model: STRL, clips: list[Clip]) -> None:
    """Set the temperature and the thresholds of a model, in place.

    They are fitted to windows drawn and augmented as in training, but for the shares in the
    config's `calibration`: before a camera, people do nothing for more of the time than it takes to
    learn what that is. One threshold is fitted to windows of one person, one to those of two, and
    one to each label that the config's `betas` name: how much more its recall counts than its
    precision. In "clip" mode, which has no negatives, only the temperature is set.

    Args:
        config: the config of the training.
        model: the classifier, in eval mode.
        clips: clips that the model was not trained on. The config's `calibration_windows` says how
            many windows to draw from them, or 3,000.
    """
    config = deepcopy(config)
    if "calibration" in config.finetune:
        config.finetune.shares.update(config.finetune.calibration)
    windows = training_windows(config, clips, model.labels, seed=1)
    samples = [windows[index] for index in range(config.finetune.get("calibration_windows", 3000))]
    target = torch.tensor([target for _, _, target in samples])
    logits = predict(model, [sample[:2] for sample in samples])
    model.temperature = fit_temperature(logits, target)
    present = torch.tensor([present.any(axis=(1, 2)).sum() for _, present, _ in samples])
    for people in model.thresholds:
        these = present == people
        if (target[these] == len(model.labels)).any():
            model.thresholds[people] = fit_threshold(model, logits[these], target[these])
    said, betas = logits.argmax(dim=1), config.finetune.get("betas", {})
    for index, label in enumerate(model.labels):
        if label.name in betas and (said == index).any():
            threshold = fit_threshold(model, logits, target, betas[label.name], only=index)
            model.labels[index] = replace(label, threshold=threshold)


def take_calibration(model: STRL, other: STRL) -> None:
    """Give a model the temperature and the thresholds of another with the same labels, in place."""
    model.temperature, model.thresholds = other.temperature, other.thresholds
    own = {label.name: label.threshold for label in other.labels}
    model.labels = [replace(label, threshold=own.get(label.name)) for label in model.labels]
