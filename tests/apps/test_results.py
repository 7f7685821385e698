import json
import multiprocessing
import sys
import time
from pathlib import Path

import pytest
import torch

from apps.cli import run
from apps.results import main
from models.data.pyskl import load_split
from models.files import CONFIGS
from models.training import stgcn, studies
from models.training.recipes import read_config
from models.training.studies import Study, subsample
from tests.skeletons import dataset

TINY = Path(__file__).parents[1] / "tiny_config.py"
PROTOCOLS = """
_base_ = ["{tiny}"]
protocols = dict(
    one=dict(data="a.pkl", train=["train"], test=["test"], mean="both"),
    two=dict(data="a.pkl", train=["test"], test=["train"], mean="both"),
)
"""
BENCHMARK = PROTOCOLS + 'study = dict(kind="benchmark", seeds=[0])'
FRACTIONS = (
    PROTOCOLS
    + """
study = dict(
    kind="fractions", protocols=["one"], fractions=[0.5], seeds=[0, 1],
    tuning=dict(fraction=1.0, rates=[1e-9, 1e-2], seeds=[0]),
)
"""
)
ARMS = (
    PROTOCOLS
    + """
motion = dict(
    model=dict(), augmentation=dict(),
    schedule=dict(epochs=1, batch_size=4, lr=1e-3, weight_decay=0.0),
)
study = dict(
    kind="fractions", protocols=["one"],
    arms=dict(
        paper=dict(stage="pretrain"),
        motion=dict(stage="motion"),
        frozen=dict(stage="motion", linear=True),
    ),
    fractions=[2, 0.5], seeds=[0], tuning=dict(fraction=1.0, rates=[1e-2], seeds=[0]),
    unlabelled={{"a.pkl": ["train"], "more.pkl": ["train"]}},
)
"""
)
ABLATION = (
    PROTOCOLS
    + """
study = dict(
    kind="ablation", protocol="one", validate=False, seeds=[0],
    variants={{
        "recipe": dict(),
        "the same": dict(overrides={{"pretrain.model.beta": 2.0}}),
        "flat": dict(overrides={{"finetune.model.geometry": False}}),
        "scratch": dict(pretrained=False),
        "linear": dict(linear=True),
        "alone": dict(protocol="two", people=1),
    }},
)
"""
)


@pytest.fixture
def results(monkeypatch, capsys, tmp_path):
    """Run a study and return the rows of its table, each a list of cells."""
    dataset(tmp_path / "a.pkl", clips=18, people=2)

    def call(text, *more, data=("--data", tmp_path)):
        config = tmp_path / "config.py"
        config.write_text(text.format(tiny=TINY))
        arguments = [config, *data, "--out", tmp_path / "out", "--threads", 1, *more]
        monkeypatch.setattr(sys, "argv", ["results.py", *map(str, arguments)])
        run(main)
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]

    return call


def edit(out, name, **values):
    """Change the record of a run."""
    (path,) = (p for p in out.glob("*.json") if json.loads(p.read_text())["name"] == name)
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def texts(out):
    return [path.read_text() for path in out.glob("*.json")]


def names(out):
    return sorted(json.loads(text)["name"] for text in texts(out))


@pytest.mark.training
def test_a_table_is_put_between_its_marks(results, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- benchmark -->\nold\n<!-- /benchmark -->\nafter\n")
    results(BENCHMARK, "--only", "one", "--into", page)
    first, _, *table, last, after = page.read_text().splitlines()
    assert (first, last, after) == ("before", "<!-- /benchmark -->", "after")
    assert table[0].startswith("| protocol |")
    assert table[2].startswith("| one | 1 |")
    page.write_text("no marks")
    with pytest.raises(SystemExit):
        results(BENCHMARK, "--table", "--into", page, data=())
    assert "does not have the marks" in capsys.readouterr().err
    assert page.read_text() == "no marks"


@pytest.mark.training
def test_what_is_done_is_not_repeated_and_protocols_are_averaged_by_seed(results, tmp_path):
    out = tmp_path / "out"
    assert [row[0] for row in results(BENCHMARK, "--only", "one")] == ["one"]
    edit(out, "one, seed 0", **{"top-1": 0.4})
    results(BENCHMARK, "--seeds", 0, 1)
    assert names(out) == [f"{name}, seed {seed}" for name in ("one", "two") for seed in (0, 1)]
    for name, seed, top in (("two", 0, 0.6), ("one", 1, 0.7), ("two", 1, 0.9)):
        edit(out, f"{name}, seed {seed}", **{"top-1": top})
    rows = results(BENCHMARK, "--table", "--seeds", 0, 1, data=())
    assert [row[:3] for row in rows] == [
        ["one", "2", "55.0 ± 21.2"],
        ["two", "2", "75.0 ± 21.2"],
        ["both", "2", "65.0 ± 21.2"],
    ]


@pytest.mark.training
def test_a_mean_waits_for_all_its_protocols_and_a_change_of_the_recipe_asks_for_new_runs(results):
    results(BENCHMARK, "--only", "one")
    assert [row[0] for row in results(BENCHMARK, "--table", data=())] == ["one"]
    changed = BENCHMARK + "\nfinetune = dict(schedule=dict(lr=2e-2))"
    assert results(changed, "--table", data=()) == []


def test_a_protocol_without_a_mean_may_have_a_recipe_of_its_own_and_every_peer_its_budget(tmp_path):
    config = read_config(CONFIGS / "benchmark.py")
    study = Study(config, tmp_path, peers=list(config.study.peers))
    epochs = {
        (run.protocol, run.peer): dict(run.overrides).get("finetune.schedule.epochs")
        for run in study.results
    }
    ours = {name: epochs[name, None] for name in config.protocols}
    assert ours["Penn Action"] > ours["SBU fold1"] and ours["MSR Action3D"] is None
    assert {name: epochs[name, "stgcn++"] for name in ours} == ours, "as many windows as ours"
    assert {epochs[name, "stgcn++-15min"] for name in ours} == {3, 6}
    assert len(study.results) == 3 * 3 * len(ours)


@pytest.mark.training
def test_protocols_of_one_mean_may_have_a_recipe_of_their_own(results, tmp_path):
    own = BENCHMARK.replace("seeds=[0]", 'seeds=[0], overrides={{"both": {{"{key}": 1}}}}')
    results(own.replace("{key}", "finetune.schedule.epochs"), "--only", "one")
    (record,) = (json.loads(path.read_text()) for path in (tmp_path / "out").glob("*.json"))
    assert record["recipe"]["finetune"]["schedule"]["epochs"] == 1


class Network(torch.nn.Module):
    """Stands in for MMAction2's: averages what it sees of a joint."""

    def __init__(self, **arguments):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(256, 1, 1))

    def forward(self, x):
        return self.weight * x.mean(dim=4).unsqueeze(2)


PEERS = BENCHMARK.replace(
    "seeds=[0]", 'seeds=[0], peers={{"net": {{}}, "short": {{"both": {{"{key}": 1}}}}}}'
).replace("{key}", "finetune.schedule.epochs")


@pytest.mark.training
def test_peers_are_trained_by_the_same_recipe_and_have_rows_of_their_own(
    results, monkeypatch, tmp_path
):
    for module in (stgcn, studies):
        monkeypatch.setattr(module, "load_backbone", lambda: Network)
    out = tmp_path / "out"
    assert [row[0] for row in results(PEERS)] == ["one", "two", "both"]
    ours = names(out)
    rows = results(PEERS, "--peer", "short", "net", "net")
    kinds = [f"{row}{peer}" for row in ("one", "two", "both") for peer in ("", ", net", ", short")]
    assert [row[0] for row in rows] == kinds
    assert [row[1] for row in rows] == ["1"] * 9
    assert names(out) == sorted(
        ours + [f"{name}, {peer}, seed 0" for name in ("one", "two") for peer in ("net", "short")]
    )
    records = {record["name"]: record for record in map(json.loads, texts(out))}
    strl, net, short = (records[f"one{peer}, seed 0"] for peer in ("", ", net", ", short"))
    recipe = strl["recipe"]["finetune"]
    assert "peer" not in strl, "records from before there were peers are still found"
    assert recipe.pop("model") and net["recipe"] == {"finetune": recipe}
    assert short["recipe"]["finetune"]["schedule"]["epochs"] == 1
    assert net["clips"] == strl["clips"] and net["training clips"] == strl["training clips"]
    wider = PEERS + "\nfinetune = dict(model=dict(hidden=9))"
    rows = results(wider, "--table", "--peer", "net", data=())
    assert [row[0] for row in rows] == ["one, net", "two, net", "both, net"]


def test_a_peer_that_is_not_installed_is_missed_before_any_training(results, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mmaction", None)
    with pytest.raises(SystemExit):
        results(PEERS, "--peer", "net")
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ST-GCN++ needs MMAction2: ")


@pytest.mark.training
def test_each_arm_takes_its_best_rate_and_both_the_same_clips(results, tmp_path):
    out, picture = tmp_path / "out", tmp_path / "curve.png"
    results(FRACTIONS, "--plot", picture)
    assert picture.stat().st_size > 1000
    records = [json.loads(path.read_text()) for path in out.glob("*.json")]
    trials = [record for record in records if record["validate"]]
    assert (len(trials), len(records)) == (4, 4 + 4)
    for arm in ("from scratch", "pre-trained"):
        tried = {
            r["recipe"]["finetune"]["schedule"]["lr"]: r["top-1"] for r in trials if r["row"] == arm
        }
        best = max(sorted(tried), key=tried.get)
        assert {
            record["recipe"]["finetune"]["schedule"]["lr"]
            for record in records
            if record["row"] == arm and not record["validate"]
        } == {best}
    assert {record["training clips"] for record in records if not record["validate"]} == {6}
    # One pre-training for the figures, and one without the validation clips for the trials.
    assert len(list((out / "pretrained").glob("*.safetensors"))) == 2
    for arm, tops in (("from scratch", (0.5, 0.6)), ("pre-trained", (0.6, 0.8))):
        for seed, top in enumerate(tops):
            edit(out, f"one, 50%, {arm}, seed {seed}", **{"top-1": top})
    rows = results(FRACTIONS, "--table", data=())
    expected = ["one", "50%", "2", "55.0 ± 7.1", "70.0 ± 14.1", "+15.0 (-48.5 to +78.5)"]
    assert rows[0] == expected


@pytest.mark.training
def test_every_arm_of_pretraining_is_compared_with_training_from_scratch(results, tmp_path):
    dataset(tmp_path / "more.pkl", clips=6, seed=1)
    out = tmp_path / "out"
    rows = results(ARMS)
    assert [row[:3] for row in rows] == [["one", "2 clips a class", "1"], ["one", "50%", "1"]]
    assert [len(row) for row in rows] == [10, 10]  # top-1 of four arms, and three differences
    records = [json.loads(path.read_text()) for path in out.glob("*.json")]
    counts = {r["training clips"] for r in records if r["fraction"] == 2 and not r["validate"]}
    assert counts == {4}
    for record in records:
        motion = "motion" in record["recipe"]
        assert motion == (record["row"] in ("motion", "frozen"))
        assert record["linear"] == (record["row"] == "frozen")
        assert not (record["linear"] and record["validate"])
        assert ("unlabelled" in record) == (record["row"] != "from scratch")
    sizes = [
        json.loads(path.read_text())["clips"] for path in sorted(out.glob("pretrained/*.json"))
    ]
    # The other file adds 4 clips; the 2 that the trials hold out do not come back with the first.
    assert sorted(sizes) == [10 + 4, 10 + 4, 12 + 4, 12 + 4]
    # An arm that was not run is a gap in the table, and without the first there is no comparison.
    for record in out.glob("one__50___motion*.json"):
        record.unlink()
    assert results(ARMS, "--table", data=())[1][6:8] == ["–", "–"]
    for record in out.glob("one__50___from_scratch*.json"):
        record.unlink()
    assert len(results(ARMS, "--table", data=())) == 1


@pytest.mark.training
def test_every_kind_of_variant_runs_and_equal_ones_run_once(results, tmp_path):
    rows = results(ABLATION)
    assert [row[0] for row in rows] == ["recipe", "the same", "flat", "scratch", "linear", "alone"]
    out = tmp_path / "out"
    assert "the same, seed 0" not in names(out)
    assert len(names(out)) == 5
    assert len(list((out / "pretrained").glob("*.safetensors"))) == 2


@pytest.mark.training
def test_a_run_belongs_to_the_process_that_works_on_it_until_it_dies(monkeypatch, tmp_path):
    dataset(tmp_path / "a.pkl")
    (tmp_path / "config.py").write_text(BENCHMARK.format(tiny=TINY))
    owner = multiprocessing.get_context("spawn").Process(target=_get_stuck, args=(tmp_path,))
    owner.start()
    while not (tmp_path / "stuck").exists():
        assert owner.is_alive()
        time.sleep(0.05)
    study = _study(tmp_path)
    done = []

    def sleep(seconds):
        done.append([record["row"] for record in study.records()])
        owner.kill()
        owner.join()

    monkeypatch.setattr(time, "sleep", sleep)
    study.work(tmp_path)
    assert done == [["two"]]
    assert len(study.records()) == 2


def _study(folder):
    return Study(read_config(folder / "config.py"), folder / "out")


def _get_stuck(folder):
    def stuck(*args, **options):
        (folder / "stuck").touch()
        time.sleep(600)

    studies.finetune = stuck
    _study(folder).work(folder)


def test_a_part_is_stratified_nested_and_as_long_as_the_whole(tmp_path):
    clips = load_split([dataset(tmp_path / "a.pkl", clips=60)], ["train"])
    quarter, half = (subsample(clips, fraction, 3) for fraction in (0.25, 0.5))
    assert len(quarter) == len(half) == len(clips) == 40
    chosen = {clip.name for clip in quarter}
    assert chosen < {clip.name for clip in half}
    assert {clip.name for clip in subsample(clips, 0.25, 4)} != chosen
    assert len({c.name for c in subsample(clips, 0.001, 0)}) == 2
    assert [
        sum(c.label == label for c in clips if c.name in chosen) for label in ("class 0", "class 1")
    ] == [5, 5]


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        (BENCHMARK, ("--only", "x"), "no run's name begins with 'x'"),
        (BENCHMARK, ("--peer", "x"), "the study has no peer 'x': it has none"),
        (PEERS, ("--peer", "x"), "the study has no peer 'x': it has net, short"),
        (BENCHMARK, ("--plot", "x.png"), "only a study of fractions can be plotted"),
        ('_base_ = ["{tiny}"]', (), "the config has no study"),
    ],
)
def test_mistakes_are_answered_with_one_line(results, capsys, text, more, message):
    with pytest.raises(SystemExit) as left:
        results(text, "--table", *more, data=())
    assert left.value.code == 2
    assert capsys.readouterr().err == f"error: {message}\n"
