import json
import sys
from pathlib import Path

from apps.cli import run
from apps.results import main
from tests.skeletons import dataset

CONFIG = """
_base_ = ["{tiny}"]
protocols = dict(
    one=dict(data="a.pkl", train=["train"], test=["test"]),
    two=dict(data="a.pkl", train=["test"], test=["train"]),
)
"""
TINY = Path(__file__).parents[1] / "tiny_config.py"


def test_what_is_done_is_not_repeated_and_the_table_shows_it(monkeypatch, capsys, tmp_path):
    dataset(tmp_path / "a.pkl")
    config, out = tmp_path / "config.py", tmp_path / "out"
    config.write_text(CONFIG.format(tiny=TINY))
    arguments = ["results.py", config, "--data", tmp_path, "--out", out, "--threads", 1]

    def results(*more):
        monkeypatch.setattr(sys, "argv", [*map(str, arguments), *map(str, more)])
        run(main)
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]

    assert len(results("--seeds", 0, "--only", "one")) == 2
    first = (out / "one-seed0.json").read_text()
    assert json.loads(first)["clips"] == 4
    marked = json.loads(first) | {"top-1": 0.5}
    (out / "one-seed0.json").write_text(json.dumps(marked))
    lines = results("--seeds", 0, 1)
    assert json.loads((out / "one-seed0.json").read_text()) == marked
    assert {path.name for path in out.glob("*.json")} == {
        f"{name}-seed{seed}.json" for name in ("one", "two") for seed in (0, 1)
    }
    top = [json.loads((out / f"one-seed{seed}.json").read_text())["top-1"] for seed in (0, 1)]
    assert f"| one | 2 | {50 * sum(top):.1f} ± " in lines[1]
