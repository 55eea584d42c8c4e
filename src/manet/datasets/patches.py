"""Patches: training samples of fixed size, read lazily from the windows of a prepared dataset."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from manet.datasets.augment import Pose, add_noise, apply_pose, draw_pose, largest_share, mosaic
from manet.datasets.manifest import Area, Manifest, SceneEntry, Split
from manet.errors import DatasetError
from manet.legend import IGNORED
from manet.raster.scene import Scene
from manet.raster.windows import Window, grid
from manet.recipe import AugmentationSettings

Key = tuple[int, ...]
"""(epoch, index), and how often the epoch has shown it before, if it has."""


TRIES = 10
"""To draw a patch in which no class has too large a share."""


class Patch(TypedDict):
    """image (bands, size, size) float32 in the imagery's own values; valid (1, size, size) float32, 0 or 1;
    labels (size, size) int64, IGNORED where not valid; name: scene and window, for messages."""

    image: Tensor
    valid: Tensor
    labels: Tensor
    name: str


class Patches(Dataset[Patch]):
    """The patches of a split: a grid over its areas, one item a cell that holds at least one label.

    Items are asked for by (epoch, index), or (epoch, index, time) from the second time that an epoch shows it. With
    augmentation, a patch is shifted by up to half its size, laid out in a pose and perhaps joined with others, all
    drawn from the seed and the key alone, so that neither order nor workers matter. Pixels outside the patch's area are
    never read: where a pose reaches beyond, they are invalid and ignored.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        split: Split,
        size: int,
        augmentation: AugmentationSettings | None = None,
        seed: int = 0,
    ) -> None:
        """Raises DatasetError where the split has no labelled patch, or labels are not of their image's size."""
        self.size, self.augmentation, self.seed = size, augmentation, seed
        self.mean = torch.tensor(manifest.statistics.mean)
        self.std = torch.tensor(manifest.statistics.std)
        areas = manifest.splits.get(split, ())
        self.scenes = {name: _open(folder, manifest.scene(name)) for name in dict.fromkeys(a.scene for a in areas)}
        cells = [(area, cell) for area in areas for cell in grid(area.window, size, size)]
        counts = [self._count(area, cell, len(manifest.legend)) for area, cell in cells]
        self.cells = [cell for cell, count in zip(cells, counts, strict=True) if count.any()]
        self.pixels = np.array([count for count in counts if count.any()])
        """Labelled pixels of each class in each cell, (cells, classes)."""
        if not self.cells:
            raise DatasetError(
                f"no patch in the {split} split of '{manifest.dataset}': {len(areas)} areas, "
                "none with a labelled pixel; check the split and the labels"
            )

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, key: Key) -> Patch:
        index, settings = key[1], self.augmentation
        if settings is None:
            area, cell = self.cells[index]
            return self._lay_out(area, Window(cell.row, cell.col, self.size, self.size), Pose())
        generator = torch.Generator().manual_seed(_mix(self.seed, *key))
        patch = self._draw(index, settings, generator)
        if settings.mosaic and torch.rand(1, generator=generator) < settings.mosaic:
            others = torch.randint(len(self), (3,), generator=generator).tolist()
            patch = self._join([patch, *(self._draw(other, settings, generator) for other in others)], generator)
        patch["image"] = add_noise(patch["image"], self.std, settings, generator)
        return patch

    def _draw(self, index: int, settings: AugmentationSettings, generator: torch.Generator) -> Patch:
        """A cell in a pose at random, and in another while a class has too large a share of it; the last try stands."""
        place = self._place(index, settings, generator)
        for _ in range(TRIES - 1):
            if settings.largest_share == 1 or self._largest_share(*place) <= settings.largest_share:
                break
            place = self._place(index, settings, generator)
        return self._lay_out(*place)

    def _place(
        self, index: int, settings: AugmentationSettings, generator: torch.Generator
    ) -> tuple[Area, Window, Pose]:
        """A pose at random, and the window that it shows of a cell's surroundings."""
        (area, cell), pose = self.cells[index], draw_pose(settings, generator)
        return area, self._shift(cell, area.window, pose.reach(self.size), generator), pose

    def _largest_share(self, area: Area, window: Window, pose: Pose) -> float:
        """Of a class among the labelled pixels of a window in a pose; the image is not read for it."""
        return largest_share(apply_pose(self._read_labels(area, window), pose, self.size, smooth=False))

    def _lay_out(self, area: Area, window: Window, pose: Pose) -> Patch:
        """The pixels of a window in a pose, without noise."""
        image, valid = (
            apply_pose(values, pose, self.size, smooth=smooth)
            for values, smooth in zip(self._read(area, window), (True, False), strict=True)
        )
        labels = apply_pose(self._read_labels(area, window), pose, self.size, smooth=False)[0]
        labels = torch.where(valid[0] > 0, labels, IGNORED).long()
        name = f"{area.scene} rows {window.row} to {window.bottom}, columns {window.col} to {window.right}"
        return Patch(image=image, valid=valid, labels=labels, name=name)

    def _join(self, patches: Sequence[Patch], generator: torch.Generator) -> Patch:
        """A mosaic of four patches that meet in the middle half."""
        row, col = torch.randint(self.size // 4, self.size - self.size // 4 + 1, (2,), generator=generator).tolist()
        image, valid, labels = (
            mosaic([patch[part] for patch in patches], row, col) for part in ("image", "valid", "labels")
        )
        return Patch(image=image, valid=valid, labels=labels, name=" + ".join(patch["name"] for patch in patches))

    def _count(self, area: Area, cell: Window, classes: int) -> NDArray[np.int64]:
        labels, _ = self.scenes[area.scene][1].read(cell)
        return np.bincount(labels[labels != IGNORED], minlength=classes)[:classes].astype(np.int64)

    def _shift(self, cell: Window, area: Window, reach: int, generator: torch.Generator) -> Window:
        """A window of the pose's reach, its centre shifted at random, kept inside the area as far as it fits."""
        shift = (torch.rand(2, generator=generator) - 0.5) * self.size
        first = []
        for start, length, moved, low, high in (
            (cell.row, cell.height, shift[0], area.row, area.bottom),
            (cell.col, cell.width, shift[1], area.col, area.right),
        ):
            begin = round(start + length / 2 - reach / 2 + moved.item())
            first.append(
                max(min(begin, high - reach), low) if high - low >= reach else low - (reach - (high - low)) // 2
            )
        return Window(first[0], first[1], reach, reach)

    def _read(self, area: Area, window: Window) -> tuple[Tensor, Tensor]:
        """Image and valid of a window; what lies beyond the area is invalid."""
        # the mean, so that resizing does not darken the rim of what is valid
        image = self.mean.view(-1, 1, 1).repeat(1, window.height, window.width)
        valid = torch.zeros(1, window.height, window.width)
        if inside := window.intersect(area.window):
            rows, columns = inside.within(window).slices
            values, known = self.scenes[area.scene][0].read(inside)
            image[:, rows, columns] = torch.where(
                torch.from_numpy(known), torch.from_numpy(values.astype(np.float32)), image[:, rows, columns]
            )
            valid[:, rows, columns] = torch.from_numpy(known.astype(np.float32))
        return image, valid

    def _read_labels(self, area: Area, window: Window) -> Tensor:
        """Labels of a window, (1, height, width); what lies beyond the area is ignored."""
        labels = torch.full((1, window.height, window.width), IGNORED, dtype=torch.uint8)
        if inside := window.intersect(area.window):
            rows, columns = inside.within(window).slices
            labels[:, rows, columns] = torch.from_numpy(self.scenes[area.scene][1].read(inside)[0])
        return labels


class EpochSampler(Sampler[Key]):
    """The keys of one epoch, which (seed, epoch) decides; `start` leaves out those already seen.

    Without weights, the first `count` of all patches in a random order. With weights, `count` draws in proportion to
    them; a patch that comes again is laid out anew.
    """

    def __init__(
        self,
        length: int,
        seed: int,
        epoch: int,
        start: int = 0,
        *,
        count: int | None = None,
        weights: Tensor | None = None,
    ) -> None:
        self.length, self.seed, self.epoch, self.start = length, seed, epoch, start
        self.count, self.weights = length if count is None else count, weights

    def __len__(self) -> int:
        """Of the whole epoch, which is how Lightning counts a resumed one."""
        return self.count

    def __iter__(self) -> Iterator[Key]:
        generator = torch.Generator().manual_seed(_mix(self.seed, self.epoch))
        if self.weights is None:
            drawn = torch.randperm(self.length, generator=generator)[: self.count]
        else:
            drawn = torch.multinomial(self.weights, self.count, replacement=True, generator=generator)
        times: Counter[int] = Counter()
        for position, index in enumerate(drawn.tolist()):
            again = (times[index],) if times[index] else ()
            times[index] += 1
            if position >= self.start:
                yield self.epoch, index, *again


def class_aware_weights(pixels: NDArray[np.int64]) -> Tensor:
    """How often to draw each cell, from its pixels of each class (cells, classes).

    A pixel counts by 1 / sqrt(all pixels of its class): halfway between drawing evenly, where rare classes are hardly
    seen, and showing every class equally often, where a handful of pixels would fill the epochs.
    """
    return torch.from_numpy((pixels / np.sqrt(np.maximum(pixels.sum(axis=0), 1))).sum(axis=1))


def in_order(patches: Patches) -> list[Key]:
    """The keys of all patches, unshuffled."""
    return [(0, index) for index in range(len(patches))]


def _open(folder: Path, entry: SceneEntry) -> tuple[Scene, Scene]:
    scene, labels = Scene(folder / entry.image), Scene(folder / entry.labels)
    if (labels.height, labels.width) != (scene.height, scene.width):
        raise DatasetError(
            f"labels of scene '{entry.name}' are {labels.height} x {labels.width} pixels, "
            f"its image {scene.height} x {scene.width}; they must be of one size: prepare the dataset again"
        )
    return scene, labels


def _mix(*numbers: int) -> int:
    """One seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
