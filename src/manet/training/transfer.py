"""Starting from another network's weights: what fits is transferred, the rest keeps its random beginning."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from manet.datasets.manifest import Manifest
from manet.networks import Network, build
from manet.networks.checkpoint import read_checkpoint
from manet.raster.bands import find_bands
from manet.recipe import Recipe

STATISTICS = ("band_mean", "band_std")
"""Always those of the new dataset: the encoder sees standardised images either way."""


@dataclass(frozen=True)
class Transfer:
    """What a network took from a checkpoint."""

    source: Path
    whole: int
    """Number of tensors that were transferred as they are."""
    bands: dict[str, str]
    """Of the first convolution: each band of the new dataset, and what its weights were taken from."""
    classes: tuple[str, ...]
    """Classes whose rows of the heads were transferred, by name."""
    new_classes: tuple[str, ...]
    """Classes whose rows keep their random beginning."""
    reset: tuple[str, ...]
    """Names of the tensors for which the checkpoint has nothing that fits."""

    @property
    def lines(self) -> list[str]:
        """All of it in words."""
        reset = Counter(name.split(".")[0] for name in self.reset)
        return [
            f"transferred from {self.source}: {self.whole} tensors as they are",
            f"bands: {', '.join(f'{band} from {origin}' for band, origin in self.bands.items()) or 'all reset'}",
            f"classes: transferred {', '.join(self.classes) or 'none'}; reset {', '.join(self.new_classes) or 'none'}",
            f"reset: {', '.join(f'{count} tensors of the {part}' for part, count in reset.items()) or 'nothing else'}",
        ]


def transfer_weights(network: Network, recipe: Recipe, manifest: Manifest, source: Path) -> Transfer:
    """Put a checkpoint's weights into a network that was built for a dataset, in place.

    Tensors are transferred by name and shape. The first convolution is transferred band by band: a band takes the
    weights of the band of the same name, a new one the mean of all the checkpoint's; if no name is known to both and
    there are equally many bands, they go by position. The last convolutions of the heads are transferred class by
    class, by name. Band statistics stay the dataset's.

    Args:
        network: Built by the recipe for the dataset's bands and classes.
        recipe: What the network was built by.
        manifest: Of the dataset.
        source: Checkpoint.

    Raises:
        CheckpointError: The source is no checkpoint.
    """
    donor, card = read_checkpoint(source)
    there, legend = donor.state_dict(), manifest.legend
    class_tensors, band_tensors = _sized_by(recipe, len(manifest.bands), len(legend))
    known = {c.name.casefold(): index for index, c in enumerate(card.legend.classes)}
    rows = [known.get(name.casefold()) for name in legend.names]
    columns: Sequence[int | None] = find_bands(manifest.bands, card.bands)
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
    names = [card.bands[column] if column is not None else "the mean of all" for column in columns]
    return Transfer(
        source=source,
        whole=whole,
        bands=dict(zip(manifest.bands, names, strict=True)) if adapted else {},
        classes=tuple(n for n, row in zip(legend.names, rows, strict=True) if headed and row is not None),
        new_classes=tuple(n for n, row in zip(legend.names, rows, strict=True) if not headed or row is None),
        reset=tuple(reset),
    )


def _sized_by(recipe: Recipe, bands: int, classes: int) -> tuple[set[str], set[str]]:
    """The tensors whose first axis is as long as there are classes, and those whose second is as long as bands."""

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
    """The lengths of all axes but that of the bands."""
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
