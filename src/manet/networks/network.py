"""The form of every network here: encode, summarise, refine, decode."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from manet.attention import Place, Summary, SummaryModule
from manet.errors import NetworkError
from manet.networks.encoder import Encoder, global_operations, shrink_valid
from manet.networks.image_checks import check_images, check_valid, warn_of_values
from manet.networks.padding import pad_to_stride
from manet.summaries import SummaryField

LossName = Literal["cross-entropy", "edge-aware"]


class Auxiliary(nn.Module):
    """Heads that are used in training only: from refined features to logits, one tensor per head."""

    weight: float = 1.0
    """Weight of the heads' losses; the loss of the network's own output has weight 1."""

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        raise NotImplementedError


class Network(nn.Module):
    """An encoder, one refiner per level and a decoder; auxiliary heads and a loss of its own where its paper has them.

    `network(images, valid)`: images (batch, bands, height, width) in the imagery's own values (the network standardises
    them by its band statistics), valid (batch, 1, height, width), 1 where a pixel is valid and 0 where it is not (None:
    all are valid) -> logits (batch, classes, height, width), for any height and width.

    Refiners see the whole map through summaries only, so a scene can be refined window by window: `encode` and
    `summarise` each window, `merge` the summaries, then `refine` and `decode` each window with the merged summaries.
    """

    band_mean: Tensor
    """Mean of each band that images are standardised by, (bands,)."""
    band_std: Tensor
    """Standard deviation of each band, (bands,)."""

    def __init__(
        self,
        encoder: Encoder,
        refiners: Sequence[SummaryModule],
        decoder: nn.Module,
        bands: int,
        classes: int,
        *,
        auxiliary: Auxiliary | None = None,
        loss: LossName = "cross-entropy",
    ) -> None:
        super().__init__()
        self.name = "network"
        """The name that it was built by."""
        self.classes = classes
        """Number of classes, which is the number of channels of its logits."""
        self.stride = max(encoder.strides)
        """The largest stride of the features: encoded images have heights and widths that are multiples of it."""
        self.loss: LossName = loss
        self.recompute = False
        """Whether backward computes the refiners of the two finest levels again: less memory, more time."""
        self.encoder = encoder
        self.refiners = nn.ModuleList(refiners)
        self.decoder = decoder
        self.auxiliary = auxiliary
        self.register_buffer("band_mean", torch.zeros(bands))
        self.register_buffer("band_std", torch.ones(bands))

    @property
    def bands(self) -> int:
        """Number of bands of its images."""
        return self.band_mean.numel()

    @property
    def bounded(self) -> bool:
        """Whether its summaries do not grow with the map, so that scenes of any size can be merged."""
        return all(module.bounded for module in self._refiners())

    @property
    def summary_fields(self) -> list[tuple[SummaryField, ...]]:
        """What the tensors of each level's summary are, and how they are merged."""
        return [module.fields for module in self._refiners()]

    @property
    def needs_place(self) -> bool:
        """Whether `summarise` and `refine` depend on where in the scene the images lie."""
        return any(module.needs_place for module in self._refiners())

    def check_local(self) -> None:
        """Check that a scene can be predicted window by window with the summaries of the whole scene.

        Raises:
            NetworkError: Its summaries grow with the map, or its encoder looks at the whole image by itself.
        """
        if not self.bounded:
            raise NetworkError(
                f"'{self.name}' compares every position with every other, so it cannot have the context of a whole "
                "scene; predict with window context"
            )
        if found := global_operations(self.encoder):
            raise NetworkError(
                f"encoder '{self.encoder.name}' looks at the whole image by itself ({', '.join(found)}), "
                "so windows cannot be put together to the scene; predict with window context, or train a network with "
                "an encoder such as resnet50"
            )

    def forward(self, images: Tensor, valid: Tensor | None = None) -> Tensor:
        """Logits of images of any height and width.

        Args:
            images: (batch, bands, height, width), floating point, in the imagery's own values.
            valid: (batch, 1, height, width), 1 (or True) where a pixel is valid, 0 where not; floating point, bool or
                uint8. None: every pixel is valid.

        Returns:
            Logits (batch, classes, height, width).

        Raises:
            NetworkError: Images or valid have another shape or type.

        Warns:
            StatisticsWarning: The imagery's values and the network's band statistics do not go together.
        """
        images, valid = self._checked(images, valid)
        height, width = images.shape[2:]
        return self.decode(self._refined(images, valid))[..., :height, :width]

    def training_logits(self, images: Tensor, valid: Tensor | None = None) -> list[tuple[Tensor, float]]:
        """Everything that the loss is taken of: the network's own logits, then those of the auxiliary heads.

        Args:
            images: As in `forward`.
            valid: As in `forward`.

        Returns:
            Logits (batch, classes, height, width), each with its weight in the loss.

        Raises:
            NetworkError: Images or valid have another shape or type, or are too small for batch norm.
        """
        images, valid = self._checked(images, valid)
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
        """The features that the refiners take.

        Images are standardised, invalid pixels are set to the mean, and the result is encoded.

        Args:
            images: (batch, bands, height, width), height and width multiples of the stride.
            valid: (batch, 1, height, width); None: every pixel is valid.

        Returns:
            One tensor per level, (batch, channels, height / stride of the level, width / stride of the level).
        """
        images = (images - self.band_mean.view(-1, 1, 1)) / self.band_std.view(-1, 1, 1)
        if valid is not None:
            valid = check_valid(valid, images.shape[0], *images.shape[2:])
            images = torch.where(valid > 0, images, 0)
        return [m.prepare(f) for m, f in zip(self._refiners(), self.encoder(images), strict=True)]

    def summarise(
        self, features: Sequence[Tensor], valid: Tensor | None = None, place: Place | None = None
    ) -> list[Summary]:
        """Each refiner's summary of its features.

        Args:
            features: What `encode` returned, or a part of it.
            valid: (batch, 1, height, width) at the height and width of the images; None: every pixel is valid.
            place: Where in the scene the images lie, in pixels, row and column multiples of the stride; None: they are
                the whole scene. Only networks that need a place look at it.

        Returns:
            One summary per level.
        """
        if valid is not None:
            height, width = (self.encoder.strides[0] * length for length in features[0].shape[2:])
            valid = check_valid(valid, features[0].shape[0], height, width)
        at_level = [None if valid is None else shrink_valid(valid, stride) for stride in self.encoder.strides]
        levels = zip(self._refiners(), features, at_level, self._places(place), strict=True)
        return [module.summarise(f, v, p) for module, f, v, p in levels]

    def merge(self, a: Sequence[Summary], b: Sequence[Summary]) -> list[Summary]:
        """The summaries of two disjoint parts of a scene together."""
        return [m.merge(x, y) for m, x, y in zip(self._refiners(), a, b, strict=True)]

    def refine(
        self, features: Sequence[Tensor], summaries: Sequence[Summary], place: Place | None = None
    ) -> list[Tensor]:
        """The refined features.

        Args:
            features: What `encode` returned.
            summaries: Of the map that the features belong to, one per level.
            place: Where in that map the images lie, as in `summarise`.

        Returns:
            One tensor per level, with the height and width of its features.
        """
        levels = zip(self._refiners(), features, summaries, self._places(place), strict=True)
        return [module.attend(f, s, p) for module, f, s, p in levels]

    def decode(self, features: Sequence[Tensor]) -> Tensor:
        """Logits (batch, classes, height, width) of refined features, at the height and width of the encoded images."""
        return self.decoder(features)

    def set_statistics(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Set the band statistics that images are standardised by.

        They belong to the network: they are saved with its weights, and images are always given in the imagery's own
        values. A network that was just built has mean 0 and deviation 1, so set them before training it:

            network = manet.build("manet", bands=3, classes=6)
            network.set_statistics(images.mean((0, 2, 3)).tolist(), images.std((0, 2, 3)).tolist())

        with `images` the training imagery, (images, bands, height, width). Training on a prepared dataset does so.

        Args:
            mean: Of each band over the training imagery, in the imagery's own values.
            std: Standard deviation of each band, above 0.

        Raises:
            NetworkError: There is not one value per band, or a deviation is not above 0.
        """
        if len(mean) != self.bands or len(std) != self.bands:
            raise NetworkError(f"got {len(mean)} means and {len(std)} deviations; the network has {self.bands} bands")
        if not all(0 < value < float("inf") for value in std):
            raise NetworkError(f"got the deviations {', '.join(f'{value:g}' for value in std)}; all must be above 0")
        self.band_mean.copy_(torch.as_tensor(mean))
        self.band_std.copy_(torch.as_tensor(std))

    def gates(self) -> list[nn.Parameter]:
        """The gates of the residual attention modules, which start at 0."""
        return [p for name, p in self.named_parameters() if name.endswith(".gate")]

    def __repr__(self) -> str:
        mean, std = (
            "unknown" if values.is_meta else ", ".join(f"{value:.4g}" for value in values.tolist())
            for values in (self.band_mean, self.band_std)
        )
        channels, strides = (", ".join(map(str, each)) for each in (self.encoder.channels, self.encoder.strides))
        auxiliary = "" if self.auxiliary is None else f", in training also {type(self.auxiliary).__name__}"
        facts = {
            "encoder": f"{self.encoder.name}, {channels} channels at strides {strides}",
            "refiners": ", ".join(type(module).__name__ for module in self.refiners),
            "decoder": f"{type(self.decoder).__name__}{auxiliary}",
            "bands": self.bands,
            "classes": self.classes,
            "stride": self.stride,
            "parameters": f"{sum(p.numel() for p in self.parameters()):,}",
            "band mean": mean,
            "band deviation": std,
        }
        return "\n".join([f"Network {self.name}", *(f"  {name + ':':<16}{fact}" for name, fact in facts.items())])

    def _checked(self, images: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor | None]:
        images, valid = check_images(images, valid, self.bands, self.band_mean.dtype)
        warn_of_values(images, valid, self.band_mean, self.band_std)
        return images, valid

    def _refined(self, images: Tensor, valid: Tensor | None) -> list[Tensor]:
        images, valid = self.pad(images, valid)
        if self.training and images.shape[0] * images.shape[2] * images.shape[3] == self.stride**2:
            raise NetworkError(
                f"one image of {images.shape[2]} x {images.shape[3]} pixels is a single value per channel at stride "
                f"{self.stride}, too few for batch norm to train on; give larger patches or a larger batch"
            )
        features = self.encode(images, valid)
        if self.training and self.recompute:
            return self._recomputed(features, valid)
        return self.refine(features, self.summarise(features, valid))

    def _recomputed(self, features: list[Tensor], valid: Tensor | None) -> list[Tensor]:
        """As summarise and refine. Refiners with batch norm are left as they are: it would count a batch twice."""
        refined = []
        for level, (module, feature) in enumerate(zip(self._refiners(), features, strict=True)):
            weight = None if valid is None else shrink_valid(valid, self.encoder.strides[level])
            if level < 2 and not any(isinstance(part, nn.BatchNorm2d) for part in module.modules()):
                refined.append(checkpoint(_refined_by, module, feature, weight, use_reentrant=False))
            else:
                refined.append(_refined_by(module, feature, weight))
        return refined

    def _places(self, place: Place | None) -> list[Place | None]:
        """A place in pixels as each level has it, in cells."""
        if place is None:
            return [None] * len(self.encoder.strides)
        height, width = (-(-size // self.stride) * self.stride for size in place[2:])
        return [Place(place.row // s, place.col // s, height // s, width // s) for s in self.encoder.strides]

    def _refiners(self) -> list[SummaryModule]:
        return list(self.refiners)  # type: ignore[arg-type]


def _refined_by(module: SummaryModule, feature: Tensor, valid: Tensor | None) -> Tensor:
    return module.attend(feature, module.summarise(feature, valid))
