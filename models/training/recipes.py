"""From a config and clips to a trained network: what the two training doors do."""

from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from torch.utils.data import Dataset

from models.action.label import NOTHING
from models.action.skeleton_mae import SkeletonMAE
from models.action.strl import STRL, Label
from models.data.augment import Augmentation
from models.data.live import LiveWindows
from models.data.puppet.clips import KNOWN, perform
from models.data.pyskl import Clip, labelled
from models.data.windows import ClipWindows
from models.errors import UserError
from models.training.evaluation import fit_temperature, fit_threshold, predict
from models.training.runner import FineTuning, Pretraining, train


def read_config(path: str | Path) -> Config:
    """An MMEngine config: Python, so the user's own code.

    Raises:
        UserError: no such file, or not a config.
    """
    try:
        return Config.fromfile(path)
    except Exception as error:  # a config is a program, and may fail in any way
        raise UserError(f"cannot read the config {path}: {error}") from error


def seen(clips: Sequence[Clip]) -> list[list[str]]:
    """What a checkpoint remembers of its clips: [name, fingerprint] of each."""
    return [[clip.name, clip.fingerprint] for clip in clips]


def pretrain(config: Config, clips: list[Clip], seed: int = 0, **options: object) -> SkeletonMAE:
    """SkeletonMAE, trained by `config.pretrain`; no label is looked at.

    Args:
        config: see `models/configs/paper.py`.
        clips: training clips.
        seed: of everything random.
        options: amp, and those of `models.training.runner.train`.
    """
    settings, amp = config.pretrain, options.pop("amp", False)
    torch.manual_seed(seed)
    network = SkeletonMAE(**settings.model)
    classes = sorted({clip.label for clip in clips})
    augmentation = Augmentation(**settings.augmentation)
    dataset = ClipWindows(clips, classes, augmentation, seed, crop=0.5)
    train(Pretraining(network, amp), dataset, seed=seed, **settings.schedule, **options)
    network.clips = seen(clips)
    return network


def vocabulary(config: Config, clips: Sequence[Clip]) -> list[Label]:
    """The config's labels; without any, the clips' own classes, for any number of people.

    Raises:
        UserError: a clip has a label that the config lacks.
    """
    if "labels" not in config.finetune:
        return [Label(name, 0) for name in sorted({clip.label for clip in labelled(clips)})]
    labels = [Label(**label) for label in config.finetune.labels]
    if missing := {clip.label for clip in labelled(clips)} - {label.name for label in labels}:
        raise UserError(f"the config has no label {', '.join(sorted(missing))}; map with --labels")
    return labels


def finetune(
    config: Config,
    clips: list[Clip],
    pretrained: SkeletonMAE | STRL | None = None,
    seed: int = 0,
    **options: object,
) -> STRL:
    """STRL, trained by `config.finetune`.

    Args:
        config: see `models/configs/paper.py`.
        clips: training clips, with labels in the model's vocabulary.
        pretrained: what to start from, or a classifier to go on from; None is from scratch.
        seed: of everything random.
        options: amp, and those of `models.training.runner.train`.
    """
    settings, amp = config.finetune, options.pop("amp", False)
    torch.manual_seed(seed)
    labels = vocabulary(config, clips)
    network = STRL(labels, **settings.model)
    if isinstance(pretrained, STRL):
        network.continue_from(pretrained)
    elif pretrained is not None:
        network.load_pretrained(pretrained)
    model = FineTuning(network, settings.get("smoothing", 0.0), amp)
    dataset = training_windows(config, clips, labels, seed, rehearse(config, labels))
    train(model, dataset, seed=seed, **settings.schedule, **options)
    network.clips = seen(clips)
    if pretrained is not None:
        network.clips += [clip for clip in pretrained.clips if clip not in network.clips]
    return network


def rehearse(config: Config, labels: list[Label]) -> list[Clip]:
    """Clips of the labels, and of nothing, that puppets act out: `config.finetune.puppets` each."""
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
) -> Dataset:
    """The windows that `config.finetune` asks for: of whole clips, or live ones."""
    settings = config.finetune
    augmentation = Augmentation(**settings.augmentation)
    if settings.mode == "clip":
        names = [label.name for label in labels]
        return ClipWindows(
            labelled(clips),
            names,
            augmentation,
            seed,
            settings.get("crop", 1.0),
            settings.get("length", 0),
        )
    return LiveWindows(
        clips,
        list(puppets),
        settings.get("rehearsed", 0.0),
        people={label.name: label.people for label in labels},
        held=frozenset(label.name for label in labels if label.held),
        augmentation=augmentation,
        cyclic=frozenset(settings.cyclic),
        solo=frozenset(settings.solo),
        acting=dict(settings.acting),
        length=settings.length,
        negatives=settings.negatives,
        whole=settings.whole,
        past=settings.get("past", 0.0),
        seed=seed,
    )


def calibrate(config: Config, model: STRL, clips: list[Clip], count: int = 2000) -> None:
    """Set temperature and thresholds on windows of clips that the model has not seen.

    The windows are drawn as in training, disturbed as in training, with the config's part of
    "none of these"; a threshold each is fitted to those of one person and of two. In clip mode
    only the temperature is set.
    """
    windows = training_windows(config, clips, model.labels, seed=1)
    samples = [windows[index] for index in range(count)]
    target = torch.tensor([target for _, _, target in samples])
    logits = predict(model, [sample[:2] for sample in samples])
    model.temperature = fit_temperature(logits, target)
    present = torch.tensor([present.any(axis=(1, 2)).sum() for _, present, _ in samples])
    for people in model.thresholds:
        these = present == people
        if (target[these] == len(model.labels)).any():
            model.thresholds[people] = fit_threshold(model, logits[these], target[these])
