"""FCN, the paper's baseline, and its relatives: MANet's network with other refiners. Li et al. 2021, Sec. IV."""

from collections.abc import Callable, Collection

from torch import Tensor

from manet.attention import Summary, SummaryModule
from manet.networks.decoder import Decoder
from manet.networks.encoder import Encoder
from manet.networks.network import Network


class Unrefined(SummaryModule):
    """Gives the features as they are. Summary: nothing."""

    def summarise(self, features: Tensor, valid: Tensor | None = None) -> Summary:
        return ()

    def attend(self, features: Tensor, summary: Summary) -> Tensor:
        return features


def fcn(encoder: Encoder, bands: int, classes: int) -> Network:
    """The encoder and the decoder alone."""
    return Network(encoder, [Unrefined() for _ in encoder.channels], Decoder(encoder.channels, classes), bands)


def fcn_with(
    refiner: Callable[[int], SummaryModule], levels: Collection[int] = (1, 2, 3, 4)
) -> Callable[[Encoder, int, int], Network]:
    """A builder of FCN with a module, made from the number of channels, at these levels (1: stride 4, 4: stride 32)."""

    def build(encoder: Encoder, bands: int, classes: int) -> Network:
        numbered = enumerate(encoder.channels, start=1)
        refiners = [refiner(channels) if level in levels else Unrefined() for level, channels in numbered]
        return Network(encoder, refiners, Decoder(encoder.channels, classes), bands)

    return build
