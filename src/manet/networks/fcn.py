"""FCN, the paper's baseline, and its variants: MANet with other refiners. Li et al. 2021, Sec. IV."""

from collections.abc import Callable, Collection

from torch import Tensor

from manet.attention import Place, Summary, SummaryModule
from manet.networks.decoder import Decoder
from manet.networks.encoder import Encoder
from manet.networks.network import Network


class Unrefined(SummaryModule):
    """Returns the features as they are. Summary: nothing."""

    def summarise(self, features: Tensor, valid: Tensor | None = None, place: Place | None = None) -> Summary:
        return ()

    def attend(self, features: Tensor, summary: Summary, place: Place | None = None) -> Tensor:
        return features


def fcn(encoder: Encoder, bands: int, classes: int) -> Network:
    """Only the encoder and the decoder."""
    return Network(encoder, [Unrefined() for _ in encoder.channels], Decoder(encoder.channels, classes), bands, classes)


def fcn_with(
    refiner: Callable[[int], SummaryModule], levels: Collection[int] = (1, 2, 3, 4)
) -> Callable[[Encoder, int, int], Network]:
    """A builder of FCN with a module at some levels.

    Args:
        refiner: Makes the module from the number of channels.
        levels: Where it is put; 1 is stride 4, 4 is stride 32.

    Returns:
        A builder as `NetworkPlan` takes it.
    """

    def build(encoder: Encoder, bands: int, classes: int) -> Network:
        numbered = enumerate(encoder.channels, start=1)
        refiners = [refiner(channels) if level in levels else Unrefined() for level, channels in numbered]
        return Network(encoder, refiners, Decoder(encoder.channels, classes), bands, classes)

    return build
