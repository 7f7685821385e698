"""Training on MMEngine's Runner, for the pre-training and the fine-tuning door alike."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import torch
from mmengine.dist import get_dist_info
from mmengine.hooks import EMAHook
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

from models.action.skeleton_mae import SkeletonMAE
from models.action.strl import STRL


def _method_of_history(owner: type, name: str) -> object:
    """What stands for `getattr` in a checkpoint: HistoryBuffer's own statistics, nothing else."""
    # MMEngine's own list of these is empty until a process has made its first buffer.
    if owner is not HistoryBuffer or name not in ("mean", "min", "max", "current"):
        raise ValueError(f"a checkpoint asks for {owner}.{name}")
    return getattr(owner, name)


WRITTEN = [
    HistoryBuffer,
    *((_method_of_history, f"{module}.getattr") for module in ("builtins", "__builtin__")),
    np.core.multiarray._reconstruct,
    np.core.multiarray.scalar,
    np.ndarray,
    np.dtype,
    *{type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64, np.int32, np.uint32)},
]
"""The only types beside tensors that MMEngine writes into its checkpoints. Version 0.10.7 loads
them as plain weights (mmengine issue 1655), and cannot resume without being told of these."""


THINNING = 4


class Pretraining(BaseModel):
    """SkeletonMAE on the frames of windows: on every fourth, for neighbours are nearly the same."""

    def __init__(self, network: SkeletonMAE, amp: bool = False):
        super().__init__()
        self.network, self.amp = network, amp

    def forward(
        self, window: Tensor, present: Tensor, target: Tensor, mode: str = "loss"
    ) -> dict[str, Tensor]:
        """Loss of a batch of windows [B, 2, 64, 17, 2]; frames without a body are left out."""
        start = int(torch.randint(THINNING, ()))
        window, present = window[:, :, start::THINNING], present[:, :, start::THINNING]
        seen = present.any(dim=-1)
        with torch.autocast(window.device.type, torch.bfloat16, enabled=self.amp):
            return {"loss": self.network(window[seen], present[seen])}


class FineTuning(BaseModel):
    """STRL on windows and their labels.

    Args:
        network: the classifier.
        smoothing: of the targets, spread over the labels that the window may have.
        amp: compute in bfloat16 where that is safe.
    """

    def __init__(self, network: STRL, smoothing: float = 0.0, amp: bool = False):
        super().__init__()
        self.network, self.smoothing, self.amp = network, smoothing, amp

    def forward(
        self, window: Tensor, present: Tensor, target: Tensor, mode: str = "loss"
    ) -> dict[str, Tensor]:
        """Cross-entropy and accuracy of a batch of windows [B, 2, 64, 17, 2], targets [B]."""
        with torch.autocast(window.device.type, torch.bfloat16, enabled=self.amp):
            logits = self.network(window, present).float()
        possible = logits.isfinite()
        wanted = nn.functional.one_hot(target, logits.shape[1]).float()
        wanted = (1 - self.smoothing) * wanted
        wanted = wanted + self.smoothing * possible / possible.sum(dim=1, keepdim=True)
        score = logits.log_softmax(dim=1).masked_fill(~possible, 0)
        right = (logits.argmax(dim=1) == target).float().mean()
        return {"loss": -(wanted * score).sum(dim=1).mean(), "accuracy": right}


class _Endless(Sampler):
    """Index = epoch × length + place: with it a sample knows its epoch, whatever was resumed."""

    def __init__(self, dataset: Dataset):
        self.length, self.epoch = len(dataset), 0
        self.rank, self.world = get_dist_info()

    def set_epoch(self, epoch: int) -> None:
        """Called by MMEngine before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length // self.world

    def __iter__(self) -> Iterator[int]:
        start = self.epoch * self.length + self.rank
        return iter(range(start, start + len(self) * self.world, self.world))


def train(
    model: BaseModel,
    dataset: Dataset,
    work_dir: str | Path,
    epochs: int,
    batch_size: int,
    lr: float,
    weight_decay: float,
    momentum: float = 0.0,
    seed: int = 0,
    resume: bool = False,
    tensorboard: bool = False,
) -> None:
    """Train in place: AdamW, a short warm-up, then a cosine down to nothing.

    Args:
        model: what computes the loss; its `network` holds the result.
        dataset: samples, addressed as `_Endless` says.
        work_dir: for MMEngine's logs and checkpoints.
        epochs, batch_size, lr, weight_decay: as usual; the batch is one process's.
        momentum: of the running mean of the weights, which replaces them at the end; 0 is none.
        seed: of the weights' first values and of dropout.
        resume: go on from the last checkpoint in `work_dir`, if there is one.
        tensorboard: also write TensorBoard's event files.
    """
    distributed = "LOCAL_RANK" in os.environ
    cuda = torch.cuda.is_available()
    if distributed and not cuda and not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")  # MMEngine's own start asks for a GPU
    batch_size = min(batch_size, len(dataset))
    loader = DataLoader(
        dataset, batch_size, sampler=_Endless(dataset), drop_last=True, num_workers=0
    )
    steps = epochs * len(loader)
    warmup = max(steps // 20, 1)
    decay = max(steps - warmup, 1)
    averaging = EMAHook(momentum=momentum, update_buffers=True) if momentum else None
    backends = [{"type": "LocalVisBackend"}]
    if tensorboard:
        backends.append({"type": "TensorboardVisBackend"})
    runner = Runner(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=loader,
        train_cfg={"by_epoch": True, "max_epochs": epochs},
        optim_wrapper={
            "type": "OptimWrapper",
            "optimizer": {"type": "AdamW", "lr": lr, "weight_decay": weight_decay},
            "clip_grad": {"max_norm": 5.0},
        },
        param_scheduler=[
            {"type": "LinearLR", "start_factor": 0.01, "by_epoch": False, "end": warmup},
            {
                "type": "CosineAnnealingLR",
                "by_epoch": False,
                "begin": warmup,
                "end": warmup + decay,
                "T_max": decay,
            },
        ],
        default_hooks={
            "logger": {"type": "LoggerHook", "interval": max(len(loader) // 2, 1)},
            "checkpoint": {"type": "CheckpointHook", "interval": max(epochs // 20, 1)}
            | {"max_keep_ckpts": 1},
        },
        custom_hooks=[averaging] if averaging else None,
        launcher="pytorch" if distributed else "none",
        visualizer={"type": "Visualizer", "vis_backends": backends},
        resume=resume,
        randomness={"seed": seed},
        cfg={"model_wrapper_cfg": {} if cuda else {"device_ids": None}} if distributed else None,
        # MMEngine shares logs and message hubs between runs of one name, and knows whole seconds.
        experiment_name=f"{Path(work_dir).name}_{uuid4().hex[:8]}",
    )
    with torch.serialization.safe_globals(WRITTEN):
        runner.train()
    if averaging:
        model.load_state_dict(averaging.ema_model.module.state_dict())
    model.eval()
