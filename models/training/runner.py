"""Training loop on MMEngine's Runner, for pre-training and fine-tuning."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from mmengine.dist import get_dist_info
from mmengine.hooks import EMAHook
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

from models.action.backbone import Backbone
from models.action.motion_mae import MotionMAE
from models.action.skeleton_mae import SkeletonMAE
from models.data.live import LiveWindows
from models.data.windows import ClipWindows


def _history_method(owner: type, name: str) -> object:
    """Replace `getattr` when a checkpoint is loaded: only HistoryBuffer's own statistics.

    Raises:
        ValueError: the checkpoint asks for anything else.
    """
    # MMEngine's own list of these is empty until a process has made its first buffer.
    if owner is not HistoryBuffer or name not in ("mean", "min", "max", "current"):
        raise ValueError(f"a checkpoint asks for {owner}.{name}")
    return getattr(owner, name)


CHECKPOINT_TYPES = [
    HistoryBuffer,
    *((_history_method, f"{module}.getattr") for module in ("builtins", "__builtin__")),
    np.core.multiarray._reconstruct,  # type: ignore[attr-defined]  # NumPy's stubs omit it
    np.core.multiarray.scalar,  # type: ignore[attr-defined]  # NumPy's stubs omit it
    np.ndarray,
    np.dtype,
    *{type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64, np.int32, np.uint32)},
]
"""The only types besides tensors that MMEngine writes to its checkpoints. Version 0.10.7 loads them
as plain weights (mmengine issue 1655), and can resume only if these types are allowed."""

FRAME_STRIDE = 4
"""Pre-training uses every fourth frame: neighbouring frames are nearly the same."""


@dataclass(frozen=True)
class RunOptions:
    """How to run a training.

    Attributes:
        work_dir: folder of MMEngine's logs and checkpoints.
        seed: seed of the initial weights, the samples and dropout.
        resume: continue from the last checkpoint in `work_dir`, if there is one.
        tensorboard: also write TensorBoard event files.
        amp: compute in bfloat16 where that is safe.
        workers: processes that make the samples beside the one that trains; 0 leaves it to that
            one. The samples are the same, since each is a function of its index.
        level: of what MMEngine prints: "INFO", or "ERROR" for nearly nothing.
    """

    work_dir: str | Path
    seed: int = 0
    resume: bool = False
    tensorboard: bool = False
    amp: bool = False
    workers: int = 0
    level: str = "INFO"


class Pretraining(BaseModel):
    """SkeletonMAE and its loss on the frames of windows.

    Args:
        network: the network.
        amp: compute in bfloat16 where that is safe.
    """

    def __init__(self, network: SkeletonMAE, amp: bool = False):
        super().__init__()
        self.network, self.amp = network, amp

    def forward(
        self, window: Tensor, present: Tensor, target: Tensor, mode: str = "loss"
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch of windows.

        Args:
            window: [B, 2, 64, 17, 2] in body lengths.
            present: bool [B, 2, 64, 17]; frames in which a person has no joint are left out.
            target: unused.
            mode: unused; MMEngine passes "loss".
        """
        start = int(torch.randint(FRAME_STRIDE, ()))
        window, present = window[:, :, start::FRAME_STRIDE], present[:, :, start::FRAME_STRIDE]
        visible = present.any(dim=-1)
        with torch.autocast(window.device.type, torch.bfloat16, enabled=self.amp):
            return {"loss": self.network(window[visible], present[visible])}


class WindowPretraining(BaseModel):
    """MotionMAE and its loss on whole windows.

    Args:
        network: the network.
        amp: compute in bfloat16 where that is safe.
    """

    def __init__(self, network: MotionMAE, amp: bool = False):
        super().__init__()
        self.network, self.amp = network, amp

    def forward(
        self, window: Tensor, present: Tensor, target: Tensor, mode: str = "loss"
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch of windows.

        Args:
            window: [B, 2, 64, 17, 2] in body lengths.
            present: bool [B, 2, 64, 17].
            target: unused.
            mode: unused; MMEngine passes "loss".
        """
        with torch.autocast(window.device.type, torch.bfloat16, enabled=self.amp):
            return {"loss": self.network(window, present)}


class FineTuning(BaseModel):
    """A classifier and its loss on labelled windows.

    Args:
        network: STRL, or another that computes logits [B, labels + 1] from a window and `present`.
        smoothing: label smoothing, spread over the labels that are possible for the window.
        amp: compute in bfloat16 where that is safe.
    """

    def __init__(self, network: nn.Module, smoothing: float = 0.0, amp: bool = False):
        super().__init__()
        self.network, self.smoothing, self.amp = network, smoothing, amp

    def forward(
        self, window: Tensor, present: Tensor, target: Tensor, mode: str = "loss"
    ) -> dict[str, Tensor]:
        """Compute the cross-entropy and the accuracy of a batch of windows.

        Args:
            window: [B, 2, 64, 17, 2] in body lengths.
            present: bool [B, 2, 64, 17].
            target: index of the label, or of "none of these", [B].
            mode: unused; MMEngine passes "loss".
        """
        with torch.autocast(window.device.type, torch.bfloat16, enabled=self.amp):
            logits = self.network(window, present).float()
        possible = logits.isfinite()
        wanted = nn.functional.one_hot(target, logits.shape[1]).float()
        wanted = (1 - self.smoothing) * wanted
        wanted = wanted + self.smoothing * possible / possible.sum(dim=1, keepdim=True)
        score = logits.log_softmax(dim=1).masked_fill(~possible, 0)
        right = (logits.argmax(dim=1) == target).float().mean()
        return {"loss": -(wanted * score).sum(dim=1).mean(), "accuracy": right}


class _EpochSampler(Sampler[int]):
    """Yields indices that keep counting over epochs: epoch × length + place.

    So a sample, a function of its index, is new in every epoch, and the same in a resumed run. The
    processes of a distributed run take turns.

    Args:
        length: samples an epoch.
    """

    def __init__(self, length: int):
        self.length, self.epoch = length, 0
        self.rank, self.world = get_dist_info()

    def set_epoch(self, epoch: int) -> None:
        """Start an epoch; called by MMEngine."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length // self.world

    def __iter__(self) -> Iterator[int]:
        start = self.epoch * self.length + self.rank
        return iter(range(start, start + len(self) * self.world, self.world))


def train(
    model: BaseModel,
    dataset: ClipWindows | LiveWindows,
    options: RunOptions,
    epochs: int,
    batch_size: int,
    lr: float,
    weight_decay: float,
    momentum: float = 0.0,
) -> None:
    """Train a model in place by AdamW, with a short warm-up and cosine decay to zero.

    Run by `torchrun`, several processes share the work. The model is in eval mode afterwards.

    Args:
        model: computes the loss; its `network` holds the result.
        dataset: the samples.
        options: how to run the training.
        epochs: number of epochs.
        batch_size: samples a step of one process, at most the length of the data set.
        lr: learning rate after the warm-up.
        weight_decay: of AdamW.
        momentum: momentum of the moving average of the weights, which replaces them at the end;
            0 means none.
    """
    launcher = _launcher()
    batch_size = min(batch_size, len(dataset))
    sampler = _EpochSampler(len(dataset))
    loader = DataLoader(
        dataset, batch_size, sampler=sampler, drop_last=True, num_workers=options.workers
    )
    averaging = EMAHook(momentum=momentum, update_buffers=True) if momentum else None
    backends = [{"type": "LocalVisBackend"}]
    if options.tensorboard:
        backends.append({"type": "TensorboardVisBackend"})
    runner = Runner(
        model=model,
        work_dir=str(options.work_dir),
        train_dataloader=loader,
        train_cfg={"by_epoch": True, "max_epochs": epochs},
        optim_wrapper={
            "type": "OptimWrapper",
            "optimizer": {"type": "AdamW", "lr": lr, "weight_decay": weight_decay},
            "clip_grad": {"max_norm": 5.0},
        },
        param_scheduler=_schedulers(epochs * len(loader)),
        default_hooks=_hooks(epochs, len(loader)),
        custom_hooks=[averaging] if averaging else None,
        visualizer={"type": "Visualizer", "vis_backends": backends},
        resume=options.resume,
        randomness={"seed": options.seed},
        log_level=options.level,
        # MMEngine shares logs and message hubs between runs of one name, and knows whole seconds.
        experiment_name=f"{Path(options.work_dir).name}_{uuid4().hex[:8]}",
        **launcher,
    )
    with torch.serialization.safe_globals(CHECKPOINT_TYPES):
        runner.train()
    if averaging:
        model.load_state_dict(averaging.ema_model.module.state_dict())
    model.eval()


@torch.no_grad()
def settle_norms(
    network: Backbone, dataset: ClipWindows | LiveWindows, samples: int = 2048
) -> None:
    """Estimate the statistics of all batch norms anew, in place, on windows without masks.

    Masks change them, and the network is used without. It is in eval mode afterwards.

    Args:
        network: a pre-trained network.
        dataset: the samples of its training.
        samples: how many of them to use.
    """
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    network.train()
    device = network.position.device
    for window, present, _ in DataLoader(dataset, 32, sampler=range(min(samples, len(dataset)))):
        network.features(window.to(device), present.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()


def _launcher() -> dict[str, Any]:
    """Join the other processes of a distributed run, and return the Runner's settings for it."""
    if "LOCAL_RANK" not in os.environ:
        return {"launcher": "none"}
    cuda = torch.cuda.is_available()
    if not cuda and not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")  # MMEngine's own start asks for a GPU
    wrapper = {} if cuda else {"device_ids": None}
    return {"launcher": "pytorch", "cfg": {"model_wrapper_cfg": wrapper}}


def _schedulers(steps: int) -> list[dict[str, Any]]:
    """Configure the learning rate: warm-up over a twentieth of the steps, then cosine decay."""
    warmup = max(steps // 20, 1)
    decay = max(steps - warmup, 1)
    return [
        {"type": "LinearLR", "start_factor": 0.01, "by_epoch": False, "end": warmup},
        {
            "type": "CosineAnnealingLR",
            "by_epoch": False,
            "begin": warmup,
            "end": warmup + decay,
            "T_max": decay,
        },
    ]


def _hooks(epochs: int, steps: int) -> dict[str, dict[str, Any]]:
    """Configure logging twice an epoch of some steps, and some twenty checkpoints a run."""
    checkpoint = {"type": "CheckpointHook", "interval": max(epochs // 20, 1), "max_keep_ckpts": 1}
    return {
        "logger": {"type": "LoggerHook", "interval": max(steps // 2, 1)},
        "checkpoint": checkpoint,
    }
