"""The tables in the documents are those that the studies' records give."""

from pathlib import Path

import pytest

from models.files import CONFIGS, ROOT
from models.training.recipes import read_config
from models.training.studies import Study
from models.training.tables import table

RECORDS = ROOT / "docs" / "results"


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("benchmark", Path("docs/training.md")),
        ("fractions", Path("docs/training.md")),
        ("ablation", Path("weights/MODEL_CARD.md")),
    ],
)
def test_a_table_is_made_of_complete_records(kind, document):
    config = read_config(CONFIGS / f"{kind}.py")
    study = Study(config, RECORDS)
    records = study.records()
    assert len(records) == len(study.results)
    assert (
        f"<!-- {kind} -->\n{table(records, config)}\n<!-- /{kind} -->"
        in (ROOT / document).read_text()
    )
