"""Starting from another network's weights: what fits is carried over, the rest starts anew."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from manet.datasets.manifest import Manifest
from manet.networks import Network, build
from manet.networks.checkpoint import load
from manet.raster.bands import find_bands
from manet.recipe import Recipe

STATISTICS = ("band_mean", "band_std")
"""Always the new dataset's: the encoder sees standardised images either way."""


@dataclass(frozen=True)
class Carried:
    """What a network took from a checkpoint."""

    source: Path
    whole: int
    """Tensors taken as they are."""
    bands: dict[str, str]
    """Of the first convolution: each band, and what it began with."""
    classes: tuple[str, ...]
    """Whose rows of the heads were carried over, by name."""
    new_classes: tuple[str, ...]
    reset: tuple[str, ...]
    """Names of the tensors that fit nothing."""

    @property
    def lines(self) -> list[str]:
        """For the user."""
        reset = Counter(name.split(".")[0] for name in self.reset)
        return [
            f"carried over from {self.source}: {self.whole} tensors as they are",
            f"bands: {', '.join(f'{band} from {origin}' for band, origin in self.bands.items()) or 'all anew'}",
            f"classes: carried over {', '.join(self.classes) or 'none'}; reset {', '.join(self.new_classes) or 'none'}",
            f"reset: {', '.join(f'{count} tensors of the {part}' for part, count in reset.items()) or 'nothing else'}",
        ]


def carry_over(network: Network, recipe: Recipe, manifest: Manifest, source: Path) -> Carried:
    """Put a checkpoint's weights into a network made for a dataset, in place.

    Tensors go by name and shape. The first convolution goes band by band: a band of the same name takes its weights; a
    new one begins with the mean of the checkpoint's; where no name is known to both, equally many bands go by position.
    The last convolutions of the heads go class by class, by name. Band statistics stay the dataset's.
    Raises CheckpointError where the source is none.
    """
    donor = load(source)
    assert donor.card is not None
    there, legend = donor.state_dict(), manifest.legend
    class_tensors, band_tensors = _sized_by(recipe, len(manifest.bands), len(legend))
    known = {c.name.casefold(): index for index, c in enumerate(donor.card.legend.classes)}
    rows = [known.get(name.casefold()) for name in legend.names]
    columns: Sequence[int | None] = find_bands(manifest.bands, donor.card.bands)
    if not any(column is not None for column in columns) and len(columns) == donor.bands:
        columns = range(donor.bands)
    whole, reset, adapted, headed = 0, [], False, False
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            old = there.get(name)
            if name in STATISTICS:
                continue
            if old is not None and name in class_tensors and old.shape[1:] == tensor.shape[1:]:
                _copy_rows(tensor, old, rows)
                headed = True
            elif old is not None and name in band_tensors and _but_bands(old) == _but_bands(tensor):
                _copy_columns(tensor, old, columns)
                adapted = True
            elif old is not None and name not in class_tensors and old.shape == tensor.shape:
                tensor.copy_(old)
                whole += 1
            else:
                reset.append(name)
    names = [donor.card.bands[column] if column is not None else "the mean of all" for column in columns]
    return Carried(
        source=source,
        whole=whole,
        bands=dict(zip(manifest.bands, names, strict=True)) if adapted else {},
        classes=tuple(n for n, row in zip(legend.names, rows, strict=True) if headed and row is not None),
        new_classes=tuple(n for n, row in zip(legend.names, rows, strict=True) if not headed or row is None),
        reset=tuple(reset),
    )


def _sized_by(recipe: Recipe, bands: int, classes: int) -> tuple[set[str], set[str]]:
    """The tensors whose first length is the number of classes, and those whose second is the number of bands."""

    def shapes(bands: int, classes: int) -> dict[str, torch.Size]:
        with torch.device("meta"):
            network = build(recipe.network.name, encoder=recipe.network.encoder, bands=bands, classes=classes)
        return {name: tensor.shape for name, tensor in network.state_dict().items()}

    here, more_classes, more_bands = shapes(bands, classes), shapes(bands, classes + 1), shapes(bands + 1, classes)
    return (
        {name for name, shape in here.items() if shape != more_classes[name]},
        {name for name, shape in here.items() if shape != more_bands[name] and name not in STATISTICS},
    )


def _but_bands(tensor: Tensor) -> tuple[int, ...]:
    return (tensor.shape[0], *tensor.shape[2:])


def _copy_rows(tensor: Tensor, old: Tensor, rows: Sequence[int | None]) -> None:
    for row, source in enumerate(rows):
        if source is not None:
            tensor[row] = old[source]


def _copy_columns(tensor: Tensor, old: Tensor, columns: Sequence[int | None]) -> None:
    mean = old.mean(dim=1)
    if not any(column is not None for column in columns):
        mean = mean * (old.shape[1] / tensor.shape[1])  # the response stays as strong as it was
    for band, column in enumerate(columns):
        tensor[:, band] = mean if column is None else old[:, column]
