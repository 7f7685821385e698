from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from torch.utils.data import DataLoader

from models.action.backbone import Backbone
from models.action.label import Label
from models.action.strl import STRL
from models.data.augment import Augmentation
from models.data.pyskl import load_split
from models.data.windows import ClipWindows
from models.errors import UserError
from models.training.evaluation import evaluate
from models.training.recipes import calibrate, finetune, pretrain, read_config, vocabulary
from models.training.runner import FineTuning, RunOptions, _history_method, settle_norms
from tests.skeletons import dataset

TINY = Path(__file__).parents[2] / "tiny_config.py"


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def config():
    return Config.fromfile(TINY)


@pytest.fixture
def clips(tmp_path):
    return load_split([dataset(tmp_path / "a.pkl", layout="msr20")], ["train"])


def same(one, two):
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.training
def test_pretraining_changes_the_network_and_repeats(config, clips, tmp_path):
    runs = [pretrain(config, clips, RunOptions(tmp_path / name)) for name in "ab"]
    other = pretrain(config, clips, RunOptions(tmp_path / "c", seed=1))
    assert same(*runs)
    assert not same(runs[0], other)
    assert runs[0].clips == [[clip.name, clip.fingerprint] for clip in clips]


@pytest.mark.training
def test_finetuning_learns_two_plain_actions(config, clips, tmp_path):
    config.finetune.schedule.epochs = 25
    model = finetune(config, clips, RunOptions(tmp_path / "run"))
    test = load_split([tmp_path / "a.pkl"], ["test"])
    assert evaluate(model, test, "clip").figures["top-1"] == 1
    assert not model.training


@pytest.mark.training
def test_a_resumed_run_ends_like_an_uninterrupted_one(config, clips, tmp_path):
    whole = finetune(config, clips, RunOptions(tmp_path / "whole"))
    longer = Config.fromfile(TINY)
    longer.finetune.schedule.epochs = 2

    class Interrupted(Exception):
        pass

    steps = []

    def interrupt(self, *batch, **options):
        steps.append(1)
        if len(steps) > 2:  # two steps an epoch: in the second
            raise Interrupted
        return forward(self, *batch, **options)

    forward = FineTuning.forward
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FineTuning, "forward", interrupt)
        with pytest.raises(Interrupted):
            finetune(longer, clips, RunOptions(tmp_path / "interrupted"))
    resumed = finetune(longer, clips, RunOptions(tmp_path / "interrupted", resume=True))
    pairs = zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True)
    assert all(torch.allclose(a.float(), b.float(), atol=1e-5) for a, b in pairs)


@pytest.mark.training
def test_workers_make_the_samples_that_the_training_itself_would_make(config, clips, tmp_path):
    config.finetune.model.dropout = 0.3  # its random numbers come from the training itself
    alone = finetune(config, clips, RunOptions(tmp_path / "alone"))
    helped = finetune(config, clips, RunOptions(tmp_path / "helped", workers=2))
    assert same(alone, helped)


@pytest.mark.training
def test_the_clips_of_pretraining_are_remembered(config, clips, tmp_path):
    pretrained = pretrain(config, clips[:5], RunOptions(tmp_path / "pre"))
    model = finetune(config, clips[3:], RunOptions(tmp_path / "fine"), pretrained)
    assert {name for name, _ in model.clips} == {clip.name for clip in clips}
    assert len(model.clips) == len(clips)


def test_the_statistics_of_norms_are_those_of_windows_without_masks(clips):
    torch.manual_seed(0)
    network = Backbone(width=8, depth=1, strides=(1,))
    dataset = ClipWindows(clips, ["squat", "wave"], Augmentation())
    for norm in (part for part in network.modules() if isinstance(part, torch.nn.BatchNorm2d)):
        norm.running_mean.fill_(100)
    settle_norms(network, dataset)
    assert not network.training
    window, present, _ = next(iter(DataLoader(dataset, batch_size=8)))
    seen = []
    norm = network.layers[0].norm
    norm.register_forward_hook(lambda _, inputs, output: seen.append(output))
    network.features(window, present)
    assert seen[0].mean(dim=(0, 2, 3)).abs().max() < 1e-3
    assert norm.momentum == 0.1


def test_smoothing_spreads_over_possible_labels_only():
    labels = [Label("wave", 1), Label("hug", 2), Label("walk", 1)]
    torch.manual_seed(0)
    network = STRL(labels, width=8, depth=1, strides=(1,), by_people=True).eval()
    window, present = torch.randn(3, 2, 64, 17, 2), torch.ones(3, 2, 64, 17, dtype=torch.bool)
    present[:, 1] = False
    target = torch.tensor([0, 2, 3])
    score = network(window, present).log_softmax(dim=1)
    expected = []
    for row, right in zip(score, target, strict=True):
        spread = row[[0, 2, 3]].mean()
        expected.append(-(0.9 * row[right] + 0.1 * spread))
    found = FineTuning(network, smoothing=0.1)(window, present, target)["loss"]
    assert found.item() == pytest.approx(torch.stack(expected).mean().item(), rel=1e-5)


def test_mixed_precision_gives_nearly_the_same_loss():
    torch.manual_seed(0)
    network = STRL([Label("wave", 1)], width=16, depth=1, strides=(1,)).eval()
    window, present = torch.randn(3, 2, 64, 17, 2), torch.ones(3, 2, 64, 17, dtype=torch.bool)
    target = torch.tensor([0, 1, 1])
    full, mixed = (FineTuning(network, amp=amp)(window, present, target) for amp in (False, True))
    assert full["loss"].item() == pytest.approx(mixed["loss"].item(), rel=0.05)
    assert full["loss"].item() != mixed["loss"].item()


@pytest.mark.training
def test_calibration_sets_temperature_and_threshold(config, clips, tmp_path):
    config.merge_from_dict(
        {
            "finetune.labels": [dict(name="wave", people=1), dict(name="squat", people=1)],
            "finetune.mode": "window",
            **{f"finetune.{name}": [] for name in ("cyclic", "solo")},
            "finetune.acting": {},
            "finetune.length": 8,
            "finetune.shares": dict(nothing=0.5, whole=0.0),
            "finetune.calibration_windows": 60,
            "finetune.betas": dict(wave=2.0),
        }
    )
    model = finetune(config, clips, RunOptions(tmp_path / "run"))
    model.thresholds = {1: None, 2: 0.5}
    calibrate(config, model, clips)
    wave, squat = model.labels
    assert 0 < wave.threshold < 1 and squat.threshold is None
    assert 0 <= model.thresholds[1] <= 1
    assert 0 <= model.thresholds[2] <= 1
    assert model.temperature != 1
    temperature = model.temperature
    config.finetune.calibration = dict(nothing=0.9)
    calibrate(config, model, clips)
    assert model.temperature != temperature
    assert config.finetune.shares.nothing == 0.5, "the config is as it was"


def test_the_vocabulary_is_the_configs_or_the_clips_own(config, clips):
    assert [label.name for label in vocabulary(config, clips)] == ["squat", "wave"]
    config.finetune.labels = [dict(name="wave", people=1)]
    with pytest.raises(UserError, match="no label squat"):
        vocabulary(config, clips)


def test_a_broken_config_is_the_users_error(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("1 +")
    for name in (path, tmp_path / "missing.py"):
        with pytest.raises(UserError, match="cannot read the config"):
            read_config(name)


def test_a_fresh_process_knows_what_checkpoints_hold(monkeypatch):
    monkeypatch.setattr(HistoryBuffer, "_statistics_methods", {})  # as before its first buffer
    assert _history_method(HistoryBuffer, "min") is HistoryBuffer.min
    for owner, name in ((HistoryBuffer, "__init__"), (dict, "min")):
        with pytest.raises(ValueError):
            _history_method(owner, name)
