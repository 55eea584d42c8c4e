"""The convolution that the comparison modules and their decoders are made of."""

from torch import nn


class ConvBlock(nn.Sequential):
    """Convolution, batch norm, ReLU; height and width stay the same.

    features (batch, in_channels, height, width) -> (batch, out_channels, height, width).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        bias: bool = False,
    ) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, padding="same", dilation=dilation, bias=bias),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )
