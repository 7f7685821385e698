"""MoveNet as MMPose components: backbone, neck, two heads, and how their maps become people.

MoveNet (R. Votel, N. Li, "Next-Generation Pose Detection with MoveNet and TensorFlow.js", 2021, and
the model cards of Google's SinglePose and MultiPose releases) is CenterNet (X. Zhou, "Objects
as Points", arXiv:1904.07850) on a MobileNetV2 with a feature pyramid. The structure and every
constant here are read from the published TensorFlow.js graphs, whose weights
`weights/convert_movenet.py` converts.

Every map has stride 4. Coordinates inside a map are (y, x) in cells, as in the originals; what
leaves this module is (x, y) in pixels of the network's input.
"""

import torch
from mmcv.transforms import BaseTransform
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from mmpose.models.backbones.base_backbone import BaseBackbone
from mmpose.models.backbones.utils import make_divisible
from mmpose.models.heads import BaseHead
from mmpose.registry import MODELS, TRANSFORMS
from torch import nn
from torch.nn import functional as F

from models.pose.crops import MULTIPLE, fit_long_side

STRIDE = 4  # input pixels a cell of the head maps
JOINTS = 17


class SameConv(nn.Conv2d):
    """A convolution, odd kernel, with TensorFlow's SAME padding for inputs of even size.

    At stride 2 TensorFlow pads an even input by (0, 1), PyTorch's `padding=1` by (1, 1).
    """

    def __init__(self, channels_in, channels_out, kernel=1, stride=1, groups=1):
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(channels_in, channels_out, kernel, stride, padding, groups=groups)

    def forward(self, x):
        """[B, channels_in, H, W] to [B, channels_out, H / stride, W / stride]."""
        if self.stride != (1, 1):
            x = F.pad(x, (0, 1, 0, 1))
        return super().forward(x)


class InvertedResidual(nn.Module):
    """MobileNetV2's block (arXiv:1801.04381, table 1), its batch normalisation folded away."""

    def __init__(self, channels_in, channels_out, stride, expansion):
        super().__init__()
        hidden = channels_in * expansion
        self.expand = SameConv(channels_in, hidden) if expansion > 1 else None
        self.depthwise = SameConv(hidden, hidden, 3, stride, groups=hidden)
        self.project = SameConv(hidden, channels_out)
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x):
        """[B, channels_in, H, W] to [B, channels_out, H / stride, W / stride]."""
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


@MODELS.register_module()
class MoveNetBackbone(BaseBackbone):
    """MobileNetV2 of a given width; returns the features of strides 4, 8, 16 and 32.

    Args:
        width: multiplies the channels of every stage: Lightning 1, MultiPose 1.5, Thunder 1.75.
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
    OUTPUTS = (2, 5, 9)  # blocks after which the resolution halves, but for the last

    def __init__(self, width=1.0, init_cfg=None):
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

    def forward(self, x):
        """Pictures [B, 3, H, W], RGB in -1..1, to four features; H and W are multiples of 32."""
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
        return (*features, F.relu6(self.last(x)))  # strides 4, 8, 16, 32


class SeparableConv(nn.Module):
    """Depthwise 3×3, pointwise 1×1, ReLU."""

    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.depthwise = nn.Conv2d(
            channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False
        )
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x):
        """[B, channels_in, H, W] to [B, channels_out, H, W]."""
        return F.relu(self.pointwise(self.depthwise(x)))


@MODELS.register_module()
class MoveNetNeck(BaseModule):
    """A feature pyramid (arXiv:1612.03144) from stride 32 up to stride 4; only the last is used.

    Args:
        in_channels: channels of the features of strides 4, 8, 16 and 32.
    """

    CHANNELS = (24, 32, 64, 64)  # of the laterals at strides 4, 8, 16, 32

    def __init__(self, in_channels, init_cfg=None):
        super().__init__(init_cfg)
        self.laterals = nn.ModuleList(
            nn.Conv2d(i, o, 1) for i, o in zip(in_channels, self.CHANNELS, strict=True)
        )
        outs = (self.CHANNELS[0], *self.CHANNELS[:2])
        self.smooth = nn.ModuleList(
            SeparableConv(i, o) for i, o in zip(self.CHANNELS[:3], outs, strict=True)
        )

    def forward(self, features):
        """Features of strides 4, 8, 16, 32 to one of stride 4, ([B, 24, H / 4, W / 4],)."""
        x = self.laterals[3](features[3])
        for level in (2, 1, 0):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = self.smooth[level](x + self.laterals[level](features[level]))
        return (x,)


def grid(maps):
    """Row and column numbers [H], [W] of the cells of maps [..., H, W]."""
    height, width = maps.shape[-2:]
    return tuple(torch.arange(n, device=maps.device, dtype=maps.dtype) for n in (height, width))


def cells(index, width):
    """Flat cell numbers [...] to (y, x) [..., 2]."""
    return torch.stack((index // width, index % width), -1)


def reader(head, x):
    """A head that is computed only where it is read, which spares a tenth of the network.

    Args:
        head: of `map_head`.
        x: features [B, 24, H, W].

    Returns:
        A function of flat cell numbers [B, N] that gives the map's values there, [B, N, C].
    """
    (separable, last), width = head, x.shape[-1]
    depthwise, pointwise = separable.depthwise.weight.flatten(1), separable.pointwise
    padded = F.pad(x, (1, 1, 1, 1)).flatten(2)
    steps = torch.arange(3, device=x.device)
    around = (steps[:, None] * (width + 2) + steps).flatten()

    def read(index):
        corner = index // width * (width + 2) + index % width
        where = (corner[..., None] + around).flatten(1)[:, None].expand(-1, x.shape[1], -1)
        patch = padded.gather(2, where).unflatten(2, (-1, 9))  # [B, 24, N, 9]
        y = (patch * depthwise[:, None]).sum(3).transpose(1, 2)
        y = F.relu(F.linear(y, pointwise.weight.flatten(1), pointwise.bias))
        return F.linear(y, last.weight.flatten(1), last.bias).float()  # places need the precision

    return read


def refine(index, offset, width):
    """Each joint's cell, moved by its own offset -> (x, y) in input pixels.

    Args:
        index: flat cell numbers [B, N, 17].
        offset: reads (y, x) for each joint in turn, [B, N × 17, 34].
        width: of the maps, in cells.
    """
    of_all = offset(index.flatten(1)).unflatten(1, (-1, JOINTS)).unflatten(3, (JOINTS, 2))
    own = of_all.diagonal(dim1=2, dim2=3).transpose(2, 3)  # [B, N, 17, 2]
    return (cells(index, width) + own).flip(-1) * STRIDE


def decode_one(center, heatmap, regression, offset):
    """The most central person of each picture, as the SinglePose graphs decode it.

    Args:
        center: [B, 1, H, W] in 0..1, the chance that a person's centre is here.
        heatmap: [B, 17, H, W] in 0..1, the same for each joint, whoever's it is.
        regression: reads at cells (see `reader`) the way from a centre to the person's joints,
            [B, N, 34], (y, x) in cells.
        offset: reads the same from a joint's cell to the joint.

    Returns:
        Keypoints [B, 17, 2] in input pixels and their scores [B, 17], the heat map's values.
    """
    ys, xs = grid(center)
    height, width = center.shape[-2:]

    def nearness(y, x):
        return 1 / (torch.sqrt((ys[:, None] - y) ** 2 + (xs - x) ** 2) + 1.8)

    peak = (center * nearness(height // 2, width // 2)).flatten(1).argmax(1, keepdim=True)  # [B, 1]
    guess = regression(peak).unflatten(2, (JOINTS, 2)) + cells(peak, width)[:, :, None]
    guess = guess[:, 0, :, :, None, None]  # [B, 17, 2, 1, 1]
    index = (heatmap * nearness(guess[:, :, 0], guess[:, :, 1])).flatten(2).argmax(2)  # [B, 17]
    scores = heatmap.flatten(2).gather(2, index[..., None])[..., 0]
    return refine(index[:, None], offset, width)[:, 0], scores


def decode_many(center, heatmap, regression, offset, box_size, box_offset, people, threshold=0.0):
    """The best few people of each picture, as the MultiPose graph decodes them (its `people` is 6).

    Args:
        center, heatmap, regression, offset: as for `decode_one`.
        box_size, box_offset: read [B, N, 2], height and width of the box of a person centred here,
            and from the centre's cell to the box's middle, (y, x) in cells.
        people: how many centres to take.
        threshold: nobody's score is above their centre's, so of those whose centre's is lower only
            the first six, which the others' scores depend on, are decoded.

    Returns:
        Keypoints [B, N, 17, 2] in input pixels, their scores [B, N, 17], boxes [B, N, 4] (x1, y1,
        x2, y2) in input pixels and the people's scores [B, N]; best centre first. As in the
        original, a joint's score is the best that any of the first six gives to the same cell, so
        that the first six come out alike whatever `people` is.
    """
    width = center.shape[-1]
    local_maximum = center - F.max_pool2d(center, 5, stride=1, padding=2) > -1e-6
    center_score, peak = (center * local_maximum).flatten(1).topk(people)  # [B, N]
    promising = (center_score >= threshold).sum(1).max().clamp(min=min(6, people))
    center_score, peak = center_score[:, :promising], peak[:, :promising]
    peak_cell = cells(peak, width)

    middle = peak_cell + box_offset(peak)  # [B, N, 2]
    half = box_size(peak).clamp(min=0) / 2
    limit = torch.stack([places[-1] for places in grid(center)]) + 1
    low, high = (torch.minimum(edge, limit).clamp(min=0) for edge in (middle - half, middle + half))

    guess = regression(peak).unflatten(2, (JOINTS, 2)) + peak_cell[:, :, None]  # [B, N, 17, 2]
    variance = 0.3 * limit.min()
    along = []  # the Gaussian about the guess, cut off at the box: one factor for each axis
    for axis, place in enumerate(grid(center)):
        inside = (place >= low[:, :, None, axis, None]) & (place < high[:, :, None, axis, None])
        along.append(torch.exp(-((place - guess[..., axis, None]) ** 2) / variance) * inside)
    weight = along[0][..., :, None] * along[1][..., None, :]  # [B, N, 17, H, W]
    evidence = (heatmap[:, None] * weight).flatten(3)
    scores, index = evidence.max(3)  # [B, N, 17]
    first = evidence[:, :6].amax(1).gather(2, index.transpose(1, 2)).transpose(1, 2)
    scores = torch.maximum(scores, first)

    seen = scores > 0.127
    person_score = center_score * (scores * seen).sum(2) / seen.sum(2).clamp(min=1)
    boxes = torch.cat((low.flip(-1), high.flip(-1)), -1) * STRIDE
    return refine(index, offset, width), scores, boxes, person_score


def map_head(channels):
    """One head of CenterNet: features [B, 24, H, W] to a map of so many channels."""
    return nn.Sequential(SeparableConv(MoveNetNeck.CHANNELS[0], 96), nn.Conv2d(96, channels, 1))


@MODELS.register_module()
class MoveNetHead(BaseHead):
    """SinglePose: one person a picture. For `TopdownPoseEstimator`."""

    def __init__(self, init_cfg=None):
        super().__init__(init_cfg)
        self.center = map_head(1)
        self.heatmap = map_head(JOINTS)
        self.regression = map_head(2 * JOINTS)
        self.offset = map_head(2 * JOINTS)

    def forward(self, feats):
        """Features ([B, 24, H, W],) to what `decode_one` takes."""
        x = feats[-1]
        return (
            self.center(x).float().sigmoid(),
            self.heatmap(x).float().sigmoid(),
            reader(self.regression, x),
            reader(self.offset, x),
        )

    def predict(self, feats, batch_data_samples, test_cfg=None):
        """One `InstanceData` a picture: keypoints [1, 17, 2] in input pixels, scores [1, 17]."""
        keypoints, scores = (t.cpu().numpy() for t in decode_one(*self.forward(feats)))
        return [
            InstanceData(keypoints=k[None], keypoint_scores=s[None])
            for k, s in zip(keypoints, scores, strict=True)
        ]

    def loss(self, feats, batch_data_samples, train_cfg=None):
        """MoveNet's training is not published; its weights are only used."""
        raise NotImplementedError("MoveNet cannot be trained here: its loss is not published")


@MODELS.register_module()
class MoveNetMultiHead(MoveNetHead):
    """MultiPose: several people a picture, with boxes. For `BottomupPoseEstimator`.

    Args:
        people: the most people that are returned (6 in the original graph).
    """

    def __init__(self, people=6, init_cfg=None):
        super().__init__(init_cfg)
        self.people = people
        self.box_size = map_head(2)
        self.box_offset = map_head(2)

    def forward(self, feats):
        """Features ([B, 24, H, W],) to what `decode_many` takes."""
        x = feats[-1]
        return (*super().forward(feats), reader(self.box_size, x), reader(self.box_offset, x))

    def predict(self, feats, batch_data_samples, test_cfg=None):
        """One `InstanceData` a picture, of the people whose score reaches `test_cfg.score_thr`.

        Fields: keypoints [N, 17, 2] and bboxes [N, 4] in input pixels, keypoint_scores [N, 17] and
        bbox_scores [N].
        """
        threshold = (test_cfg or {}).get("score_thr", 0.0)
        decoded = decode_many(*self.forward(feats), self.people, threshold)
        people = []
        for keypoints, scores, boxes, person_scores in zip(*decoded, strict=True):
            kept = person_scores >= threshold
            values = (t[kept].cpu().numpy() for t in (keypoints, scores, boxes, person_scores))
            names = ("keypoints", "keypoint_scores", "bboxes", "bbox_scores")
            people.append(InstanceData(**dict(zip(names, values, strict=True))))
        return people


@TRANSFORMS.register_module()
class FitLongSide(BaseTransform):
    """Scales a picture so that its longer side is `size`, and pads each side to a multiple of 32.

    MMPose's own `BottomupResize` pads to one fixed size or fixes the shorter side.

    Args:
        size: in pixels, for pictures that do not come with a "long_side" of their own.
    """

    def __init__(self, size):
        self.size = size

    def transform(self, results):
        """Changes "img", and notes for MMPose's way back where it was in the picture."""
        crop = fit_long_side(results["img"], results.get("long_side", self.size))
        place = {"input_size": crop.size, "input_center": crop.center, "input_scale": crop.extent}
        return {**results, "img": crop.picture, **place}
