"""The layers of STRL (Yan et al., ICCV 2023, section 3.2): spatial modules, and temporal ones.

Shapes: R people, T time steps, N joints, D features.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.action.gin import GINEncoder
from models.skeleton import JOINTS


class SpatialModule(nn.Module):
    """Spatial module: SM(H) = Repeat(SumPool(G_E(Ã, H)); N) ⊕ H (equation 3).

    Args:
        encoder: G_E, with D features in and out.
        width: D.
        exchange: also join the partner's pooled features. Both people are treated alike, because it
            is arbitrary which of them is person 0.
        concatenate: ⊕ is concatenation followed by a 1×1 convolution, and not a sum.
    """

    def __init__(self, encoder: GINEncoder, width: int, exchange: bool, concatenate: bool = True):
        super().__init__()
        self.encoder = encoder
        self.join_joints: nn.Module = nn.Identity()
        self.join_body: nn.Module = nn.Identity()
        self.join_partner: nn.Module | None = None
        if concatenate:
            self.join_joints = _near_identity(width)
            self.join_body = _small_linear(width)
        if exchange:
            self.join_partner = _small_linear(width)

    def forward(self, x: Tensor, partner: Tensor) -> Tensor:
        """Apply the module.

        Args:
            x: H, [R, T, N, D].
            partner: int [R], the row of each person's partner; R without one.

        Returns:
            SM(H), [R, T, N, D].
        """
        body = self.encoder.sum_pool(x)  # [R, T, D]
        joined = self.join_body(body)
        if self.join_partner is not None:
            shared = self.join_partner(body)
            joined = joined + functional.pad(shared, (0, 0, 0, 0, 0, 1))[partner]
        return self.join_joints(x) + joined[:, :, None]


class TemporalModule(nn.Module):
    """Multi-scale temporal module: dilated convolutions, max-pooling and a shortcut in parallel.

    As in MS-G3D (Liu et al., CVPR 2020) and CTR-GCN (Chen et al., ICCV 2021). Each of the four
    branches has a quarter of the channels.

    Args:
        width: D, a multiple of 4.
        stride: in time.
        dilations: in time, of the two convolutions.
    """

    def __init__(self, width: int, stride: int, dilations: tuple[int, int] = (1, 2)):
        super().__init__()
        quarter = width // 4
        self.inlet = nn.Conv2d(width, width, 1, bias=False)
        self.inlet_norm = nn.BatchNorm2d(width)
        self.branches = nn.ModuleList(
            nn.Conv2d(
                *(quarter, quarter, (5, 1), (stride, 1)),
                padding=(2 * dilation, 0),
                dilation=(dilation, 1),
                bias=False,
            )
            for dilation in dilations
        )
        self.pool = nn.MaxPool2d((3, 1), (stride, 1), padding=(1, 0))
        self.outlet_norm = nn.BatchNorm2d(width)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Features [R, T, N, D] to [R, T / stride, N, D]."""
        x = x.permute(0, 3, 1, 2)  # a channels-last view, without a copy
        first, second, pooled, plain = self.inlet_norm(self.inlet(x)).relu().chunk(4, dim=1)
        mixed = torch.cat(
            [
                self.branches[0](first),
                self.branches[1](second),
                self.pool(pooled),
                plain[:, :, :: self.stride],
            ],
            dim=1,
        )
        x = self.outlet_norm(mixed) + x[:, :, :: self.stride]
        return x.relu().permute(0, 2, 3, 1)


class Layer(nn.Module):
    """Layer of STRL: H' = ReLU(SM(H) W) (equation 4), then optionally a temporal module.

    Args:
        encoder: of the spatial module.
        width: D.
        exchange, concatenate: see `SpatialModule`.
        temporal: whether a temporal module follows.
        stride: of the temporal module.
    """

    def __init__(
        self,
        encoder: GINEncoder,
        width: int,
        exchange: bool,
        concatenate: bool,
        temporal: bool,
        stride: int,
    ):
        super().__init__()
        self.spatial = SpatialModule(encoder, width, exchange, concatenate)
        weight = nn.Linear(width, width, bias=False)
        with torch.no_grad():
            weight.weight += torch.eye(width)
        self.weight: nn.Module = weight
        self.norm: nn.Module = nn.BatchNorm2d(width)
        self.temporal = TemporalModule(width, stride) if temporal else None

    def forward(self, x: Tensor, partner: Tensor) -> Tensor:
        """Features [R, T, N, D] to [R, T / stride, N, D]; `partner` as in `SpatialModule`."""
        x = self.weight(self.spatial(x, partner)).permute(0, 3, 1, 2)
        x = self.norm(x).relu().permute(0, 2, 3, 1)
        return x if self.temporal is None else self.temporal(x)

    @torch.no_grad()
    def merge(self) -> None:
        """Put W and the normalisation into the linear maps before them, for inference alone.

        A spatial module that ends in a sum has none, and stays as it is.
        """
        spatial, weight, norm = self.spatial, self.weight, self.norm
        joints = spatial.join_joints
        if not isinstance(joints, nn.Linear):
            return
        assert isinstance(weight, nn.Linear) and isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None and norm.running_var is not None
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        matrix = scale[:, None] * weight.weight
        joints.bias.copy_(matrix @ joints.bias + norm.bias - scale * norm.running_mean)
        for linear in (joints, spatial.join_body, spatial.join_partner):
            if isinstance(linear, nn.Linear):
                linear.weight.copy_(matrix @ linear.weight)
        self.weight, self.norm = nn.Identity(), nn.Identity()


def _near_identity(width: int) -> nn.Linear:
    """Linear layer that starts near the identity."""
    layer = nn.Linear(width, width)
    with torch.no_grad():
        layer.weight += torch.eye(width)
    return layer


def _small_linear(width: int) -> nn.Linear:
    """Linear layer that starts small: its input, a sum over joints, would drown out each joint."""
    layer = nn.Linear(width, width, bias=False)
    with torch.no_grad():
        layer.weight /= len(JOINTS)
    return layer
