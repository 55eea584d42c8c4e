"""MANet. Li et al. 2021, Fig. 4."""

from manet.attention import AttentionBlock
from manet.networks.decoder import Decoder
from manet.networks.encoder import Encoder
from manet.networks.network import Network


def manet(encoder: Encoder, bands: int, classes: int) -> Network:
    """The multi-attention network: an attention block on each of the four features."""
    return Network(
        encoder, [AttentionBlock(c) for c in encoder.channels], Decoder(encoder.channels, classes), bands, classes
    )
