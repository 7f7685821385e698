"""Random inputs for STRL."""

import torch


def windows(count=4):
    """Windows [B, 2, 64, 17, 2] and presence [B, 2, 64, 17]; the first shows one person."""
    torch.manual_seed(1)
    window = torch.randn(count, 2, 64, 17, 2)
    present = torch.rand(count, 2, 64, 17) > 0.2
    present[0, 1] = False
    return window, present
