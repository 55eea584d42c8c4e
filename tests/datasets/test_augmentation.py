"""What a recipe adds to how a patch is drawn: a bound for its largest class, and mosaics of four."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch

from manet.datasets.augment import largest_share, mosaic
from manet.datasets.manifest import Manifest
from manet.datasets.patches import Patches
from manet.legend import IGNORED
from manet.recipe import AugmentationSettings

Town = tuple[Path, Manifest]

PLAIN = AugmentationSettings(rotation="none", resize=(1, 1), flips=False, noise=0)


def share(labels: torch.Tensor) -> float:
    known = labels[labels != IGNORED]
    return max((known == k).float().mean().item() for k in range(6))


def test_the_largest_share_is_of_what_is_labelled() -> None:
    labels = torch.tensor([[0, 0, 3], [3, 3, IGNORED]], dtype=torch.uint8)
    assert largest_share(labels) == pytest.approx(3 / 5)
    assert largest_share(torch.full((2, 3), IGNORED, dtype=torch.uint8)) == 0


def test_patches_of_one_class_are_drawn_anew(town: Town) -> None:
    settings = AugmentationSettings(rotation="any", resize=(0.5, 1.5))
    bound = settings.model_copy(update={"largest_share": 0.6})
    free, bounded = (Patches(*town, "train", 64, s, seed=1) for s in (settings, bound))
    keys = [(epoch, index) for epoch in range(4) for index in range(len(free))]
    before, after = ([share(patches[key]["labels"]) for key in keys] for patches in (free, bounded))
    kept = [b <= 0.6 for b in before]
    assert 0.2 < np.mean(kept) < 0.8
    # what was good is as it was; of the rest most get better
    assert all(a == b for a, b, keep in zip(after, before, kept, strict=True) if keep)
    assert np.mean([a > 0.6 for a in after]) < 0.35 * np.mean([b > 0.6 for b in before])


def test_a_split_of_one_class_is_still_drawn(town: Town, tmp_path: Path) -> None:
    shutil.copytree(town[0], tmp_path / "data")
    with rasterio.open(tmp_path / "data/labels/town.tif", "r+") as labels:
        labels.write(np.full((1, *labels.shape), 2, np.uint8))
    patches = Patches(tmp_path / "data", town[1], "train", 64, PLAIN.model_copy(update={"largest_share": 0.5}))
    assert share(patches[0, 3]["labels"]) == 1


def test_four_parts_meet_at_a_point() -> None:
    parts = [torch.full((2, 5, 7), float(k)) for k in range(4)]
    joined = mosaic(parts, 2, 3)
    expected = torch.tensor([[0.0] * 3 + [1] * 4] * 2 + [[2.0] * 3 + [3] * 4] * 3)
    assert torch.equal(joined, expected.expand(2, 5, 7))


def test_a_mosaic_takes_each_corner_from_a_patch(town: Town) -> None:
    """Corners are where they were in their own patches: image, labels and valid alike."""
    patches = Patches(*town, "train", 64, PLAIN.model_copy(update={"mosaic": 1.0}), seed=5)
    with rasterio.open(town[0] / "images/town.tif") as image, rasterio.open(town[0] / "labels/town.tif") as labels:
        pixels, truth = image.read(), labels.read(1)
    meetings = set()
    for index in range(len(patches)):
        patch = patches[2, index]
        names = patch["name"].split(" + ")
        assert len(names) == 4 and patch["image"].shape == (3, 64, 64) and patch["labels"].shape == (64, 64)
        origins = [(int(words[2]), int(words[6])) for words in (name.replace(",", "").split() for name in names)]
        for k, (row, col) in enumerate(origins):
            there = slice(0, 16) if k < 2 else slice(48, 64), slice(0, 16) if k % 2 == 0 else slice(48, 64)
            whole = pixels[:, row : row + 64, col : col + 64], truth[row : row + 64, col : col + 64]
            assert np.array_equal(patch["image"][:, *there], whole[0][:, *there])
            assert np.array_equal(patch["labels"][there], whole[1][there])
        first = truth[origins[0][0] :, origins[0][1] :]
        meetings.add(int((patch["labels"][0].numpy() == first[0, :64]).cumprod().sum()))
    assert len(meetings) > 5, "they do not always meet at the same point"


def test_mosaics_are_as_frequent_as_asked_and_keep_what_they_have_of_invalid_pixels(town: Town) -> None:
    settings = AugmentationSettings(rotation="any", mosaic=0.25)
    patches = Patches(*town, "train", 64, settings)
    drawn = [patches[epoch, index] for epoch in range(16) for index in range(len(patches))]
    assert np.mean(["+" in patch["name"] for patch in drawn]) == pytest.approx(0.25, abs=0.05)
    for patch in drawn:
        assert torch.equal(patch["labels"] == IGNORED, patch["valid"][0] == 0)


def test_with_everything_on_a_patch_depends_on_seed_and_key_alone(town: Town) -> None:
    settings = AugmentationSettings(rotation="any", resize=(0.5, 1.5), brightness=0.2, largest_share=0.5, mosaic=0.5)
    first, second = (Patches(*town, "train", 64, settings, seed=1) for _ in range(2))
    keys = [(epoch, index) for epoch in range(2) for index in range(0, len(first), 2)]
    other_order = {key: second[key] for key in reversed(keys)}
    for key in keys:
        torch.rand(3)
        for part in ("image", "valid", "labels"):
            assert torch.equal(first[key][part], other_order[key][part])
    assert not torch.equal(first[3, 4]["image"], first[3, 4, 1]["image"])
