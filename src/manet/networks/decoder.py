"""The decoder of MANet and the FCN family. Li et al. 2021, Fig. 4."""

from collections.abc import Sequence

from torch import Tensor, nn


class DeBlock(nn.Sequential):
    """Doubles height and width: 1x1 convolution, 3x3 transposed convolution of stride 2, 1x1 convolution (Fig. 4 d)."""

    def __init__(self, channels: int, out_channels: int) -> None:
        middle = channels // 4
        super().__init__(
            nn.Conv2d(channels, middle, 1),
            nn.BatchNorm2d(middle),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(middle, middle, 3, stride=2, padding=1, output_padding=1),
            nn.BatchNorm2d(middle),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, out_channels, 1),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class Decoder(nn.Module):
    """Four refined features to logits: d = f4; then d = DeBlock(d) + fk for k = 3, 2, 1; a last DeBlock; the head.

    features (batch, channels[k], height / stride, width / stride) at strides 4, 8, 16, 32
    -> logits (batch, classes, height, width).
    """

    def __init__(self, channels: Sequence[int], classes: int) -> None:
        super().__init__()
        c1, c2, c3, c4 = channels
        self.blocks = nn.ModuleList([DeBlock(c4, c3), DeBlock(c3, c2), DeBlock(c2, c1)])
        self.last = DeBlock(c1, c1)
        self.head = nn.Sequential(
            nn.ConvTranspose2d(c1, 32, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, classes, 3, padding=1),
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        *shallow, deep = features
        for block, feature in zip(self.blocks, reversed(shallow), strict=True):
            deep = block(deep) + feature
        return self.head(self.last(deep))
