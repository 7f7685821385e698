"""Graph isomorphism network (GIN) on the body graph.

Xu et al., "How powerful are graph neural networks?", ICLR 2019, equation 4.1.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.skeleton import BONES, JOINTS


def adjacency(normalised: bool = False, joints: Sequence[int] = range(len(JOINTS))) -> Tensor:
    """Return the adjacency matrix of the body graph.

    Args:
        normalised: return D^-1/2 A D^-1/2, where D holds the degrees, instead of A.
        joints: the N joints to keep, as COCO indices.

    Returns:
        A [N, N], which is 1 where a bone connects two joints.
    """
    matrix = torch.zeros(len(JOINTS), len(JOINTS))
    for a, b in BONES:
        matrix[a, b] = matrix[b, a] = 1.0
    matrix = matrix[list(joints)][:, list(joints)]
    if normalised:
        scale = matrix.sum(dim=1).rsqrt()
        matrix = scale[:, None] * matrix * scale
    return matrix


class GINLayer(nn.Module):
    """GIN layer: h_i' = MLP((1 + ε) h_i + Σ_j A_ij h_j), with a learnt ε.

    The hidden layer of the MLP is normalised over features and not over the batch, so that the
    result for a frame does not depend on other frames, or absent joints, in the same batch.

    Args:
        width_in: features per joint of the input.
        width_out: features per joint of the output.
        normalised: normalise the adjacency, see `adjacency`.
        joints: the N joints of the graph, as COCO indices.
    """

    adjacency: Tensor

    def __init__(
        self,
        width_in: int,
        width_out: int,
        normalised: bool = False,
        joints: Sequence[int] = range(len(JOINTS)),
    ):
        super().__init__()
        self.register_buffer("adjacency", adjacency(normalised, joints), persistent=False)
        self.epsilon = nn.Parameter(torch.zeros(()))
        self.mlp = nn.Sequential(
            nn.Linear(width_in, width_out),
            nn.LayerNorm(width_out),
            nn.ReLU(),
            nn.Linear(width_out, width_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Features [..., N, width_in] to [..., N, width_out]."""
        return self.mlp(self.mix(x))

    def sum_pool(self, x: Tensor) -> Tensor:
        """Sum of the outputs over joints, [..., width_out].

        The last linear layer is applied to the sum of its inputs, which gives the same.
        """
        last = self.mlp[-1]
        assert isinstance(last, nn.Linear)
        hidden = self.mlp[:-1](self.mix(x)).sum(dim=-2)
        return functional.linear(hidden, last.weight, len(self.adjacency) * last.bias)

    def mix(self, x: Tensor) -> Tensor:
        """Add the features of neighbours, [..., N, width_in]."""
        identity = torch.eye(len(self.adjacency), device=x.device)
        mixing = self.adjacency + (1 + self.epsilon) * identity
        mixing = mixing.to(x.dtype)
        # Training is a fifth faster with one large product, inference with many small ones.
        return torch.einsum("nm,...md->...nd", mixing, x) if self.training else mixing @ x


class GINEncoder(nn.Module):
    """GIN layers with ReLU between them: H = G_E(A, X) (paper, equation 1).

    Args:
        width: D, features per joint of the input.
        hidden: D_h, features per joint of the output of every layer.
        layers: L_D, the number of layers.
        normalised: normalise the adjacency, see `adjacency`.
        joints: the N joints of the graph, as COCO indices.
    """

    def __init__(
        self,
        width: int,
        hidden: int,
        layers: int,
        normalised: bool = False,
        joints: Sequence[int] = range(len(JOINTS)),
    ):
        super().__init__()
        widths = [width] + [hidden] * layers
        self.layers = nn.ModuleList(GINLayer(a, b, normalised, joints) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """Features [..., N, width] to [..., N, hidden]."""
        return self.layers[-1](self._before_last(x))

    def sum_pool(self, x: Tensor) -> Tensor:
        """Sum of the outputs over joints, [..., hidden]."""
        last = self.layers[-1]
        assert isinstance(last, GINLayer)
        return last.sum_pool(self._before_last(x))

    def _before_last(self, x: Tensor) -> Tensor:
        """Input of the last layer."""
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return x
