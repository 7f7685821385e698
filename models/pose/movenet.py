"""MoveNet as MMPose components: backbone, neck, two heads, and the decoding of their maps.

MoveNet (R. Votel, N. Li, "Next-Generation Pose Detection with MoveNet and TensorFlow.js", 2021, and
the model cards of Google's SinglePose and MultiPose releases) is CenterNet (X. Zhou, "Objects
as Points", arXiv:1904.07850) on a MobileNetV2 with a feature pyramid. The structure and all
constants come from the published TensorFlow.js graphs, whose weights `weights/convert_movenet.py`
converts.

All maps have stride 4. Coordinates inside a map are (y, x) in cells, as in the originals. Results
are (x, y) in pixels of the network's input.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmcv.transforms import BaseTransform
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from mmpose.models.backbones.base_backbone import BaseBackbone
from mmpose.models.backbones.utils import make_divisible
from mmpose.models.heads import BaseHead
from mmpose.registry import MODELS, TRANSFORMS
from torch import Tensor, nn
from torch.nn import functional as F

from models.pose.crops import MULTIPLE, fit_long_side

STRIDE = 4
"""Pixels of the network's input per cell of a map."""

JOINTS = 17

ORIGINAL_PEOPLE = 6
"""People that the original MultiPose graph decodes."""

VISIBLE = 0.127
"""Joints with a higher score count in a person's score, as in the MultiPose graph."""

SparseMap = Callable[[Tensor], Tensor]
"""Values [B, N, C] of a map at flat cell indices [B, N]."""


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding, for odd kernels and inputs of even size.

    At stride 2, TensorFlow pads an even input by (0, 1), and PyTorch's `padding=1` by (1, 1).
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ):
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(channels_in, channels_out, kernel, stride, padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels_in, H, W] to [B, channels_out, H / stride, W / stride]."""
        if self.stride != (1, 1):
            x = F.pad(x, (0, 1, 0, 1))
        return super().forward(x)


class InvertedResidual(nn.Module):
    """Block of MobileNetV2 (arXiv:1801.04381, table 1), with batch normalisation folded in."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, expansion: int):
        super().__init__()
        hidden = channels_in * expansion
        self.expand = SameConv(channels_in, hidden) if expansion > 1 else None
        self.depthwise = SameConv(hidden, hidden, 3, stride, groups=hidden)
        self.project = SameConv(hidden, channels_out)
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels_in, H, W] to [B, channels_out, H / stride, W / stride]."""
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


@MODELS.register_module()
class MoveNetBackbone(BaseBackbone):
    """MobileNetV2 that returns the features of strides 4, 8, 16 and 32.

    Args:
        width: factor for the channels of every stage: 1 in Lightning, 1.5 in MultiPose, 1.75 in
            Thunder.
        init_cfg: of MMEngine.
    """

    STAGES = (  # expansion, channels, blocks, stride (arXiv:1801.04381, table 2)
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    OUTPUTS = (2, 5, 9)  # the last blocks of strides 4, 8 and 16

    def __init__(self, width: float = 1.0, init_cfg: dict[str, Any] | None = None):
        super().__init__(init_cfg)
        channels = make_divisible(32 * width, 8)
        self.stem = SameConv(3, channels, 3, stride=2)
        self.blocks = nn.ModuleList()
        for expansion, stage, count, stride in self.STAGES:
            for i in range(count):
                out = make_divisible(stage * width, 8)
                self.blocks.append(InvertedResidual(channels, out, 1 if i else stride, expansion))
                channels = out
        self.last = SameConv(channels, 1280)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the features of images.

        Args:
            x: [B, 3, H, W], RGB in -1..1, with H and W multiples of 32.

        Returns:
            Four features [B, C, H / stride, W / stride], of strides 4, 8, 16 and 32.

        Raises:
            ValueError: H or W is not a multiple of 32.
        """
        if x.shape[2] % MULTIPLE or x.shape[3] % MULTIPLE:
            raise ValueError(
                f"MoveNet's input sides must be multiples of {MULTIPLE}, got {x.shape}"
            )
        features = []
        x = F.relu6(self.stem(x))
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.OUTPUTS:
                features.append(x)
        return (*features, F.relu6(self.last(x)))


class SeparableConv(nn.Module):
    """Depthwise 3×3 convolution, pointwise 1×1 convolution, ReLU."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.depthwise = nn.Conv2d(
            channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False
        )
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels_in, H, W] to [B, channels_out, H, W]."""
        return F.relu(self.pointwise(self.depthwise(x)))


@MODELS.register_module()
class MoveNetNeck(BaseModule):
    """Feature pyramid (arXiv:1612.03144) from stride 32 up to stride 4, the only one it returns.

    Args:
        in_channels: channels of the features of strides 4, 8, 16 and 32.
        init_cfg: of MMEngine.
    """

    CHANNELS = (24, 32, 64, 64)  # of the lateral convolutions at strides 4, 8, 16 and 32

    def __init__(self, in_channels: Sequence[int], init_cfg: dict[str, Any] | None = None):
        super().__init__(init_cfg)
        self.laterals = nn.ModuleList(
            nn.Conv2d(i, o, 1) for i, o in zip(in_channels, self.CHANNELS, strict=True)
        )
        outs = (self.CHANNELS[0], *self.CHANNELS[:2])
        self.smooth = nn.ModuleList(
            SeparableConv(i, o) for i, o in zip(self.CHANNELS[:3], outs, strict=True)
        )

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor]:
        """Features of strides 4, 8, 16 and 32 to one of stride 4, ([B, 24, H / 4, W / 4],)."""
        x = self.laterals[3](features[3])
        for level in (2, 1, 0):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = self.smooth[level](x + self.laterals[level](features[level]))
        return (x,)


class MapHead(nn.Sequential):
    """One output head of CenterNet: features [B, 24, H, W] to a map [B, channels, H, W]."""

    def __init__(self, channels: int):
        super().__init__(SeparableConv(MoveNetNeck.CHANNELS[0], 96), nn.Conv2d(96, channels, 1))

    def sparse(self, x: Tensor) -> SparseMap:
        """Prepare to compute the map at single cells only, which saves a tenth of the network.

        Args:
            x: features [B, 24, H, W].

        Returns:
            A function of flat cell indices [B, N] that returns the values there, [B, N, channels].
        """
        separable, last = self
        assert isinstance(separable, SeparableConv) and isinstance(last, nn.Conv2d)
        width = x.shape[-1]
        depthwise, pointwise = separable.depthwise.weight.flatten(1), separable.pointwise
        padded = F.pad(x, (1, 1, 1, 1)).flatten(2)
        steps = torch.arange(3, device=x.device)
        around = (steps[:, None] * (width + 2) + steps).flatten()

        def read(index: Tensor) -> Tensor:
            corner = index // width * (width + 2) + index % width
            where = (corner[..., None] + around).flatten(1)[:, None].expand(-1, x.shape[1], -1)
            patch = padded.gather(2, where).unflatten(2, (-1, 9))  # [B, 24, N, 9]
            y = (patch * depthwise[:, None]).sum(3).transpose(1, 2)
            y = F.relu(F.linear(y, pointwise.weight.flatten(1), pointwise.bias))
            # Coordinates need single precision.
            return F.linear(y, last.weight.flatten(1), last.bias).float()

        return read


def grid(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Row numbers [H] and column numbers [W] of the cells of maps [..., H, W]."""
    height, width = maps.shape[-2:]
    rows = torch.arange(height, device=maps.device, dtype=maps.dtype)
    return rows, torch.arange(width, device=maps.device, dtype=maps.dtype)


def cells(index: Tensor, width: int) -> Tensor:
    """Flat cell indices [...] of maps of a width to (y, x) [..., 2]."""
    return torch.stack((index // width, index % width), -1)


def refine(index: Tensor, offset: SparseMap, width: int) -> Tensor:
    """Move joints from their cells by the offsets predicted there.

    Args:
        index: flat cell indices [B, N, 17].
        offset: from a cell to each joint if it is there, [B, N × 17, 34], (y, x) in cells.
        width: of the maps, in cells.

    Returns:
        [B, N, 17, 2], (x, y) in pixels of the input.
    """
    of_all = offset(index.flatten(1)).unflatten(1, (-1, JOINTS)).unflatten(3, (JOINTS, 2))
    own = of_all.diagonal(dim1=2, dim2=3).transpose(2, 3)  # [B, N, 17, 2]
    return (cells(index, width) + own).flip(-1) * STRIDE


def decode_one(
    center: Tensor, heatmap: Tensor, regression: SparseMap, offset: SparseMap
) -> tuple[Tensor, Tensor]:
    """Decode the most central person of each image, as the SinglePose graphs do.

    Args:
        center: [B, 1, H, W] in 0..1, heat map of the centres of people.
        heatmap: [B, 17, H, W] in 0..1, heat maps of the joints of all people.
        regression: offsets from a person's centre to the joints, [B, N, 34], (y, x) in cells.
        offset: offsets from the cell of a joint to the joint, likewise.

    Returns:
        Keypoints [B, 17, 2], (x, y) in pixels of the input, and scores [B, 17] from the heat maps.
    """
    ys, xs = grid(center)
    height, width = center.shape[-2:]

    def proximity(y: int | Tensor, x: int | Tensor) -> Tensor:
        return 1 / (torch.sqrt((ys[:, None] - y) ** 2 + (xs - x) ** 2) + 1.8)

    central = center * proximity(height // 2, width // 2)
    peak = central.flatten(1).argmax(1, keepdim=True)  # [B, 1]
    guess = regression(peak).unflatten(2, (JOINTS, 2)) + cells(peak, width)[:, :, None]
    guess = guess[:, 0, :, :, None, None]  # [B, 17, 2, 1, 1]
    index = (heatmap * proximity(guess[:, :, 0], guess[:, :, 1])).flatten(2).argmax(2)  # [B, 17]
    scores = heatmap.flatten(2).gather(2, index[..., None])[..., 0]
    return refine(index[:, None], offset, width)[:, 0], scores


def decode_many(
    center: Tensor,
    heatmap: Tensor,
    regression: SparseMap,
    offset: SparseMap,
    box_size: SparseMap,
    box_offset: SparseMap,
    people: int,
    threshold: float | Tensor = 0.0,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Decode the best people of each image, as the MultiPose graph does.

    As in the original, the score of a joint is the best that any of the first six people gives to
    the same cell. So the first six people do not depend on `people`.

    Args:
        center, heatmap, regression, offset: as for `decode_one`.
        box_size: height and width of the box of a person by centre, [B, N, 2], in cells.
        box_offset: offset from the centre to the middle of the box, [B, N, 2], (y, x) in cells.
        people: number of centres to decode, 6 in the original.
        threshold: people with a lower score are not needed. No person scores higher than their
            centre, so centres with a lower score are skipped beyond the first six.

    Returns:
        Keypoints [B, N, 17, 2] in pixels of the input, their scores [B, N, 17], boxes [B, N, 4]
        (x1, y1, x2, y2) in pixels of the input, and the scores of the people [B, N]. Best centre
        first.
    """
    width = center.shape[-1]
    center_score, peak = _best_centers(center, people, threshold)
    peak_cell = cells(peak, width)

    middle = peak_cell + box_offset(peak)  # [B, N, 2]
    half = box_size(peak).clamp(min=0) / 2
    axes = grid(center)
    limit = torch.stack([places[-1] for places in axes]) + 1
    low, high = (torch.minimum(edge, limit).clamp(min=0) for edge in (middle - half, middle + half))

    guess = regression(peak).unflatten(2, (JOINTS, 2)) + peak_cell[:, :, None]  # [B, N, 17, 2]
    evidence = _evidence(heatmap, axes, guess, low, high, 0.3 * limit.min())
    scores, index = evidence.max(3)  # [B, N, 17]
    first = evidence[:, :ORIGINAL_PEOPLE].amax(1)
    first = first.gather(2, index.transpose(1, 2)).transpose(1, 2)
    scores = torch.maximum(scores, first)

    seen = scores > VISIBLE
    person_score = center_score * (scores * seen).sum(2) / seen.sum(2).clamp(min=1)
    boxes = torch.cat((low.flip(-1), high.flip(-1)), -1) * STRIDE
    return refine(index, offset, width), scores, boxes, person_score


def _best_centers(center: Tensor, people: int, threshold: float | Tensor) -> tuple[Tensor, Tensor]:
    """Scores and flat cell indices [B, N] of the highest local maxima; see `decode_many`."""
    local_maximum = center - F.max_pool2d(center, 5, stride=1, padding=2) > -1e-6
    score, peak = (center * local_maximum).flatten(1).topk(people)  # [B, people]
    promising = (score >= threshold).sum(1).max().clamp(min=min(ORIGINAL_PEOPLE, people))
    return score[:, :promising], peak[:, :promising]


def _evidence(
    heatmap: Tensor,
    axes: tuple[Tensor, Tensor],
    guess: Tensor,
    low: Tensor,
    high: Tensor,
    variance: Tensor,
) -> Tensor:
    """Weigh heat maps by a Gaussian around each regressed joint, which is 0 outside the box.

    Args:
        heatmap: [B, 17, H, W].
        axes: row and column numbers, see `grid`.
        guess: regressed joints [B, N, 17, 2], (y, x) in cells.
        low, high: corners of the people's boxes [B, N, 2], (y, x) in cells.
        variance: denominator of the Gaussian's exponent, in square cells.

    Returns:
        [B, N, 17, H × W].
    """
    along = []  # the Gaussian is a product of one factor per axis
    for axis, place in enumerate(axes):
        inside = (place >= low[:, :, None, axis, None]) & (place < high[:, :, None, axis, None])
        along.append(torch.exp(-((place - guess[..., axis, None]) ** 2) / variance) * inside)
    weight = along[0][..., :, None] * along[1][..., None, :]  # [B, N, 17, H, W]
    return (heatmap[:, None] * weight).flatten(3)


class CenterHead(BaseHead):
    """What both heads of MoveNet share: centres, joints, and the offsets to them.

    Args:
        init_cfg: of MMEngine.
    """

    def __init__(self, init_cfg: dict[str, Any] | None = None):
        super().__init__(init_cfg)
        self.center = MapHead(1)
        self.heatmap = MapHead(JOINTS)
        self.regression = MapHead(2 * JOINTS)
        self.offset = MapHead(2 * JOINTS)

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor, SparseMap, SparseMap]:
        """Features [B, 24, H, W] to the arguments of `decode_one`."""
        return (
            self.center(x).float().sigmoid(),
            self.heatmap(x).float().sigmoid(),
            self.regression.sparse(x),
            self.offset.sparse(x),
        )

    def loss(self, *_: object, **__: object) -> None:
        """Raise `NotImplementedError`: the training of MoveNet is not published."""
        raise NotImplementedError("MoveNet cannot be trained here: its loss is not published")


@MODELS.register_module()
class MoveNetHead(CenterHead):
    """Head of SinglePose, which finds one person per image. For `TopdownPoseEstimator`."""

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor, SparseMap, SparseMap]:
        """Features ([B, 24, H, W],) to the arguments of `decode_one`."""
        return self.maps(feats[-1])

    def decode(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Features ([B, 24, H, W],) to what `decode_one` returns."""
        return decode_one(*self.forward(feats))

    def predict(
        self,
        feats: Sequence[Tensor],
        batch_data_samples: object,
        test_cfg: dict[str, Any] | None = None,
    ) -> list[InstanceData]:
        """Find one person per image.

        Args:
            feats: features ([B, 24, H, W],).
            batch_data_samples, test_cfg: not used.

        Returns:
            `InstanceData` of each image: keypoints [1, 17, 2] in pixels of the input, and
            keypoint_scores [1, 17].
        """
        keypoints, scores = (t.cpu().numpy() for t in self.decode(feats))
        return [
            InstanceData(keypoints=k[None], keypoint_scores=s[None])
            for k, s in zip(keypoints, scores, strict=True)
        ]


@MODELS.register_module()
class MoveNetMultiHead(CenterHead):
    """Head of MultiPose, which finds people and their boxes. For `BottomupPoseEstimator`.

    Args:
        people: largest number of people to return, 6 in the original graph.
        init_cfg: of MMEngine.
    """

    def __init__(self, people: int = ORIGINAL_PEOPLE, init_cfg: dict[str, Any] | None = None):
        super().__init__(init_cfg)
        self.people = people
        self.box_size = MapHead(2)
        self.box_offset = MapHead(2)

    def forward(
        self, feats: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, SparseMap, SparseMap, SparseMap, SparseMap]:
        """Features ([B, 24, H, W],) to the arguments of `decode_many`."""
        x = feats[-1]
        return (*self.maps(x), self.box_size.sparse(x), self.box_offset.sparse(x))

    def decode(
        self, feats: Sequence[Tensor], threshold: float | Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features ([B, 24, H, W],) to what `decode_many` returns, for scores from a threshold."""
        return decode_many(*self.forward(feats), self.people, threshold)

    def predict(
        self,
        feats: Sequence[Tensor],
        batch_data_samples: object,
        test_cfg: dict[str, Any] | None = None,
    ) -> list[InstanceData]:
        """Find the people whose score reaches `test_cfg["score_thr"]`.

        Args:
            feats: features ([B, 24, H, W],).
            batch_data_samples: not used.
            test_cfg: with "score_thr"; 0 if it is missing.

        Returns:
            `InstanceData` of each image: keypoints [N, 17, 2] and bboxes [N, 4] in pixels of the
            input, keypoint_scores [N, 17] and bbox_scores [N].
        """
        threshold = (test_cfg or {}).get("score_thr", 0.0)
        people = []
        decoded = zip(*self.decode(feats, threshold), strict=True)
        for keypoints, scores, boxes, person_scores in decoded:
            kept = person_scores >= threshold
            values = (t[kept].cpu().numpy() for t in (keypoints, scores, boxes, person_scores))
            names = ("keypoints", "keypoint_scores", "bboxes", "bbox_scores")
            people.append(InstanceData(**dict(zip(names, values, strict=True))))
        return people


@TRANSFORMS.register_module()
class FitLongSide(BaseTransform):
    """Scale an image to a longer side, and pad each side to a multiple of 32.

    MMPose's own `BottomupResize` pads to a fixed size or fixes the shorter side.

    Args:
        size: longer side in pixels, for images that come without "long_side".
    """

    def __init__(self, size: int):
        self.size = size

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace "img", and add its place in the original image, which MMPose maps joints back by.

        Args:
            results: with "img", uint8 [H, W, 3], BGR, and optionally "long_side" in pixels.
        """
        crop = fit_long_side(results["img"], results.get("long_side", self.size))
        place = {"input_size": crop.size, "input_center": crop.center, "input_scale": crop.extent}
        return {**results, "img": crop.image, **place}
