import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from models.action.checkpoint import read_checkpoint, write_checkpoint
from models.errors import UserError


def test_tensors_and_header_are_read_back(tmp_path):
    model, path = nn.Linear(2, 3), tmp_path / "new" / "linear.safetensors"
    write_checkpoint(path, "linear", model, {"clips": [["a/b", "0"]], "rate": 0.5})
    tensors, header = read_checkpoint(path, "linear")
    assert torch.equal(tensors["weight"], model.weight)
    assert header == {"kind": "linear", "clips": [["a/b", "0"]], "rate": 0.5}


def test_other_kinds_and_other_files_are_refused(tmp_path):
    model, path = nn.Linear(2, 3), tmp_path / "linear.safetensors"
    write_checkpoint(path, "linear", model, {})
    with pytest.raises(UserError, match="not a strl checkpoint"):
        read_checkpoint(path, "strl")
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="not a linear checkpoint"):
        read_checkpoint(path, "linear")
    save_file({"a": torch.zeros(1)}, path, {"kind": json.dumps("linear")[:-1]})
    with pytest.raises(UserError, match="cannot read"):
        read_checkpoint(path, "linear")


def test_a_path_that_cannot_be_written_raises_a_user_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_checkpoint(tmp_path / "file" / "a.safetensors", "linear", nn.Linear(1, 1), {})
