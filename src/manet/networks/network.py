"""The form of every network here: encode, refine, decode."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from manet.attention import ChannelAttention, Place, Summary, SummaryModule
from manet.card import Card
from manet.errors import NetworkError
from manet.legend import Legend
from manet.networks.encoder import Encoder, global_operations, shrink_valid
from manet.networks.padding import pad_to_stride

Loss = Literal["cross-entropy", "edge-aware"]


class Auxiliary(nn.Module):
    """Heads that are used in training alone: refined features -> logits, a tensor a head, as the decoder's."""

    weight: float = 1.0
    """Of their losses, beside the 1 of the network's own."""

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        raise NotImplementedError


class Network(nn.Module):
    """An encoder, one refiner a level, a decoder; auxiliary heads and a loss of its own where its paper has them.

    `network(images, valid)`: images (batch, bands, height, width) in the imagery's own values (they are standardised
    here, by the band statistics of the training split); valid (batch, 1, height, width), 1 where a pixel is valid, 0
    where not (None: all valid) -> logits (batch, classes, height, width), for any height and width.

    Refiners see the whole map through summaries alone, so a scene can be refined window by window: `encode`,
    `summarise`, merge the summaries, `refine`, `decode` (and `locate` before each window, where refiners must know).
    """

    band_mean: Tensor
    band_std: Tensor

    def __init__(
        self,
        encoder: Encoder,
        refiners: Sequence[SummaryModule],
        decoder: nn.Module,
        bands: int,
        *,
        auxiliary: Auxiliary | None = None,
        loss: Loss = "cross-entropy",
    ) -> None:
        super().__init__()
        self.stride = max(encoder.strides)
        self.loss: Loss = loss
        self.encoder = encoder
        self.refiners = nn.ModuleList(refiners)
        self.decoder = decoder
        self.auxiliary = auxiliary
        self.card: Card | None = None
        self.register_buffer("band_mean", torch.zeros(bands))
        self.register_buffer("band_std", torch.ones(bands))

    @property
    def bands(self) -> int:
        return self.band_mean.numel()

    @property
    def legend(self) -> Legend | None:
        """The classes it was trained for; None before training."""
        return self.card.legend if self.card else None

    @property
    def bounded(self) -> bool:
        """Whether its summaries do not grow with the map, so that scenes of any size can be merged."""
        return all(module.bounded for module in self._modules_of_map())

    def check_local(self) -> None:
        """Raises NetworkError where scene context would not be exact: summaries that grow, or an encoder that looks at
        the whole image by itself."""
        if not self.bounded:
            raise NetworkError(
                "this network compares every position with every other, so a scene of any size is out of its reach; "
                "predict with --context window"
            )
        if found := global_operations(self.encoder):
            raise NetworkError(
                f"encoder '{self.encoder.name}' looks at the whole image by itself ({', '.join(found)}), "
                "so windows cannot stand for the scene; "
                "predict with --context window, or train with an encoder such as resnet50"
            )

    def forward(self, images: Tensor, valid: Tensor | None = None) -> Tensor:
        height, width = images.shape[2:]
        return self.decode(self._refined(images, valid))[..., :height, :width]

    def training_logits(self, images: Tensor, valid: Tensor | None = None) -> list[tuple[Tensor, float]]:
        """The logits that the loss is taken of, each with its weight: the network's, then the auxiliary heads'."""
        height, width = images.shape[2:]
        refined = self._refined(images, valid)
        logits = [(self.decode(refined), 1.0)]
        if self.auxiliary is not None:
            logits += [(more, self.auxiliary.weight) for more in self.auxiliary(refined)]
        return [(each[..., :height, :width], weight) for each, weight in logits]

    def pad(self, images: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Pad at the bottom and right to multiples of the stride. The padding is invalid: it has no weight in sums."""
        return pad_to_stride(images, valid, self.stride)

    def encode(self, images: Tensor, valid: Tensor | None = None) -> list[Tensor]:
        """The features as the refiners take them: images standardised, invalid pixels put to the mean, encoded.

        Height and width must be multiples of the stride.
        """
        images = (images - self.band_mean.view(-1, 1, 1)) / self.band_std.view(-1, 1, 1)
        if valid is not None:
            images = torch.where(valid > 0, images, 0)
        return [m.prepare(f) for m, f in zip(self._modules_of_map(), self.encoder(images), strict=True)]

    def locate(self, place: Place | None) -> None:
        """Say where in a scene the images to come lie, in pixels at multiples of the stride (None: they are all of it).

        Modules that pool by region must know.
        """
        for module, stride in zip(self._modules_of_map(), self.encoder.strides, strict=True):
            if place is None:
                module.locate(None)
            else:
                height, width = (-(-size // self.stride) * self.stride // stride for size in place[2:])
                module.locate(Place(place.row // stride, place.col // stride, height, width))

    def summarise(self, features: Sequence[Tensor], valid: Tensor | None = None) -> list[Summary]:
        """Each refiner's summary of its features; valid at the images' height and width."""
        at_level = [None if valid is None else shrink_valid(valid, stride) for stride in self.encoder.strides]
        return [m.summarise(f, v) for m, f, v in zip(self._modules_of_map(), features, at_level, strict=True)]

    def merge(self, a: Sequence[Summary], b: Sequence[Summary]) -> list[Summary]:
        """The summaries of two disjoint parts of a scene together."""
        return [m.merge(x, y) for m, x, y in zip(self._modules_of_map(), a, b, strict=True)]

    def refine(self, features: Sequence[Tensor], summaries: Sequence[Summary]) -> list[Tensor]:
        """The refined features, given the summaries of the map they belong to."""
        return [m.attend(f, s) for m, f, s in zip(self._modules_of_map(), features, summaries, strict=True)]

    def decode(self, features: Sequence[Tensor]) -> Tensor:
        """Logits at the images' height and width."""
        return self.decoder(features)

    def set_statistics(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Set the band statistics that images are standardised by, in the imagery's own values."""
        self.band_mean.copy_(torch.as_tensor(mean))
        self.band_std.copy_(torch.as_tensor(std))

    def scale_energy(self, size: int | None) -> None:
        """Scale every channel energy to that of a map of size x size pixels; None restores the paper's form."""
        for stride, refiner in zip(self.encoder.strides, self.refiners, strict=True):
            for module in refiner.modules():
                if isinstance(module, ChannelAttention):
                    module.energy_positions = None if size is None else (size / stride) ** 2

    def gates(self) -> list[nn.Parameter]:
        """The gates of the residual attention modules, which start at 0."""
        return [p for name, p in self.named_parameters() if name.endswith(".gate")]

    def _refined(self, images: Tensor, valid: Tensor | None) -> list[Tensor]:
        images, valid = self.pad(images, valid)
        if self.training and images.shape[0] * images.shape[2] * images.shape[3] == self.stride**2:
            raise NetworkError(
                f"one image of {images.shape[2]} x {images.shape[3]} pixels is a single value a channel at stride "
                f"{self.stride}, too few for batch norm to train on; give larger patches or a larger batch"
            )
        features = self.encode(images, valid)
        return self.refine(features, self.summarise(features, valid))

    def _modules_of_map(self) -> list[SummaryModule]:
        return list(self.refiners)  # type: ignore[arg-type]
