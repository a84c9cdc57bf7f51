"""Convolutional backbones of the CRNN and the Transformer: (B, 1, H, W) -> (B, C, H / down, W / 4).

ResNet-18 and VGG-16 have the layers and parameter names of torchvision, whose ImageNet
weights load; later strides do not apply to the width, which keeps one frame per 4 pixels.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.hub import load_state_dict_from_url

from hmer_cli.console import Say
from hmer_cli.errors import MissingError, UsageError
from hmer_cli.recognition.canvas import CanvasSize

ACROSS = 4
"""Pixels of width that make one column of every backbone's map."""

HEIGHTS = 16
"""A canvas is a multiple of so many pixels high."""

_PATIENCE = 20.0
"""Seconds to wait for a server of weights."""


class Backbone(nn.Module):
    """A backbone of so many ``channels``, C, that makes ``down`` pixels of height one row."""

    channels: int
    down: int

    def __init__(self) -> None:
        super().__init__()
        self.frozen = 0

    @classmethod
    def rows(cls, height: int) -> int:
        """The rows of the map of an image so many pixels high; the last may be of fewer."""
        return -(-height // cls.down)

    def stages(self) -> Sequence[nn.Module]:
        """The parts that can be frozen, the earliest first."""
        raise NotImplementedError

    def freeze(self, count: int) -> None:
        """Let the first stages stay as they are: their weights, and what their norms measure."""
        self.frozen = count
        for stage in self.stages()[:count]:
            stage.requires_grad_(False)
            stage.eval()

    def train(self, mode: bool = True) -> Backbone:
        """As usual, but for what is frozen."""
        super().train(mode)
        for stage in self.stages()[: self.frozen]:
            stage.eval()
        return self

    def take(self, weights: Mapping[str, Tensor]) -> None:
        """Take over weights by name, of which there may be more; a KeyError names a missing one."""
        for name, value in [*self.named_parameters(), *self.named_buffers()]:
            value.data.copy_(weights[name])

    def get_extra_state(self) -> Tensor:
        """What is frozen goes into the checkpoint, as it depends on what weights there were."""
        return torch.tensor(self.frozen)

    def set_extra_state(self, state: Tensor) -> None:
        """Freeze again what was frozen."""
        self.freeze(int(state))


class Plain(Backbone):
    """Five convolutions, each with batch norm, four of them pooled."""

    channels = 256
    down = 16

    def __init__(self) -> None:
        super().__init__()
        widths = (1, 32, 64, 128, 256, 256)
        pools: tuple[Any, ...] = (2, 2, (2, 1), (2, 1), 1)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(*_block(c_in, c_out), nn.MaxPool2d(pool))
                for c_in, c_out, pool in zip(widths, widths[1:], pools, strict=False)
            )
        )

    def stages(self) -> Sequence[nn.Module]:
        """The convolutions."""
        return list(self.layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 256, H / 16, W / 4)."""
        return self.layers(x)


class Basic(nn.Module):
    """The residual block of ResNet-18 (He et al., CVPR 2016), as torchvision names its layers."""

    def __init__(self, c_in: int, c_out: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.downsample: nn.Module = nn.Identity()
        if stride != (1, 1) or c_in != c_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, c_in, H, W) -> (B, c_out, H / stride, W / stride)."""
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + self.downsample(x)).relu()


class ResNet18(Backbone):
    """ResNet-18 without its head; of its strides, the last three are of the height alone."""

    channels = 512
    down = 32

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Basic(64, 64, (1, 1)), Basic(64, 64, (1, 1)))
        self.layer2 = nn.Sequential(Basic(64, 128, (2, 1)), Basic(128, 128, (1, 1)))
        self.layer3 = nn.Sequential(Basic(128, 256, (2, 1)), Basic(256, 256, (1, 1)))
        self.layer4 = nn.Sequential(Basic(256, 512, (2, 1)), Basic(512, 512, (1, 1)))

    def stages(self) -> Sequence[nn.Module]:
        """The stem and the four layers."""
        stem = nn.ModuleList([self.conv1, self.bn1])
        return [stem, self.layer1, self.layer2, self.layer3, self.layer4]

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 512, H / 32, W / 4)."""
        x = self.bn1(self.conv1(x.expand(-1, 3, -1, -1))).relu()
        x = nn.functional.max_pool2d(x, 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class Vgg16(Backbone):
    """VGG-16 with batch norm (Simonyan and Zisserman, ICLR 2015) without its head.

    Its third and fourth pooling are of the height alone, the fifth is left out.
    """

    channels = 512
    down = 16
    BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))

    def __init__(self) -> None:
        super().__init__()
        pools = (nn.MaxPool2d(2), nn.MaxPool2d(2), nn.MaxPool2d((2, 1)), nn.MaxPool2d((2, 1)))
        layers: list[nn.Module] = []
        self.ends: list[int] = []
        c_in = 3
        for widths, pool in zip(self.BLOCKS, (*pools, nn.Identity()), strict=True):
            for c_out in widths:
                layers += _block(c_in, c_out)
                c_in = c_out
            layers.append(pool)
            self.ends.append(len(layers))
        self.features = nn.Sequential(*layers)

    def stages(self) -> Sequence[nn.Module]:
        """The five blocks, each up to its pooling."""
        starts = [0, *self.ends]
        return [self.features[start:end] for start, end in zip(starts, self.ends, strict=False)]

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 512, H / 16, W / 4)."""
        return self.features(x.expand(-1, 3, -1, -1))


def normalised(images: Tensor) -> Tensor:
    """Images uint8, 0 to 255, -> float32 from -1 (ink) to 1 (paper), in channels-last memory."""
    return images.float().div_(127.5).sub_(1).to(memory_format=torch.channels_last)


def _block(c_in: int, c_out: int) -> list[nn.Module]:
    return [nn.Conv2d(c_in, c_out, 3, 1, 1), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True)]


BACKBONES: dict[str, type[Backbone]] = {"plain": Plain, "resnet18": ResNet18, "vgg16": Vgg16}

IMAGENET = {"resnet18": "resnet18-f37072fd.pth", "vgg16": "vgg16_bn-6c64b313.pth"}
"""The files of torchvision's ImageNet weights, each with the begin of its SHA-256."""

SERVER = "https://download.pytorch.org/models"


def check(name: str, canvas: CanvasSize) -> None:
    """Raises UsageError where there is no such backbone, or where such a canvas does not fit its
    strides or has no room for ink."""
    if name not in BACKBONES:
        raise UsageError(f"there is no backbone {name!r}", f"name one of {', '.join(BACKBONES)}")
    height, width = canvas.height, canvas.width
    if height < 1 or width < 1 or height % HEIGHTS or width % ACROSS:
        remedy = f"make its height a multiple of {HEIGHTS}, its width one of {ACROSS}"
        raise UsageError(f"a canvas of {height} x {width} pixels does not fit {name}", remedy)
    if not 0 <= 2 * canvas.padding < width or not canvas.pen > 0:
        told = f"a padding of {canvas.padding} and a pen of {canvas.pen:g} pixels"
        raise UsageError(f"{told} leave no ink on a canvas", "change canvas.padding or canvas.pen")


def begin(backbone: Backbone, name: str, frozen: int, say: Say) -> None:
    """Load pretrained weights and freeze the first stages; without such weights, say so."""
    try:
        load_pretrained(backbone, name)
    except MissingError as error:
        say(str(error))
    else:
        backbone.freeze(frozen)


def load_pretrained(backbone: Backbone, name: str) -> None:
    """Give a backbone torchvision's ImageNet weights.

    They are read from ``hub/checkpoints`` in PyTorch's cache folder (``$TORCH_HOME``), and
    downloaded to it if they are not there. Raises MissingError where they cannot be had.
    """
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        backbone.take(load_state_dict_from_url(f"{SERVER}/{IMAGENET[name]}", progress=False))
    except (OSError, RuntimeError, KeyError) as error:
        what = f"no pretrained weights for {name} ({type(error).__name__}: {error})"
        raise MissingError(what, "it begins from scratch, and nothing is frozen") from error
    finally:
        socket.setdefaulttimeout(patience)
