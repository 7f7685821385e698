"""A classifier that is small enough to be taught in a test."""

import torch

from models.action.label import Label
from models.action.strl import STRL

SIZE = dict(by_people=True, width=8, depth=1, strides=(1,), geometry=True, hidden=6)


def tiny_base(path):
    """Write its weights, always the same ones."""
    torch.manual_seed(0)
    STRL([Label("clap", 1), Label("hug", 2)], **SIZE).eval().save(path)
    return path
