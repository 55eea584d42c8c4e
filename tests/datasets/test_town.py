"""The generated town: the same for the same seed, exact, full of every class, and hard for single pixels."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from manet.datasets.sources.town import Town, draw

IMPERVIOUS, BUILDING, LOW_VEGETATION, TREE, CAR, CLUTTER = range(6)
SHARES = ((0.25, 0.42), (0.15, 0.32), (0.10, 0.30), (0.12, 0.30), (0.01, 0.04), (0.008, 0.06))


@pytest.fixture(scope="module")
def towns() -> list[Town]:
    return [draw(1024, 1024, seed) for seed in (1, 2, 3)]


def brightness_beside(town: Town, casters: NDArray[np.bool_], angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean brightness, over its class's, of the ground that has a caster 1.2 m away in the direction of each angle."""
    brightness = town.image[:3].mean(axis=0)
    ground = (town.heights == 0) & (town.labels <= LOW_VEGETATION)
    for label in (IMPERVIOUS, LOW_VEGETATION):
        brightness[town.labels == label] /= brightness[town.labels == label].mean()
    shifts = [(-round(12 * np.sin(angle)), -round(12 * np.cos(angle))) for angle in angles]
    return np.array([brightness[ground & np.roll(casters, shift, axis=(0, 1))].mean() for shift in shifts])


def heights_of(town: Town, label: int) -> NDArray[np.float32]:
    return town.heights[town.labels == label]


@pytest.mark.parametrize(("height", "width", "gsd_m"), [(64, 64, 0.1), (96, 250, 0.13), (300, 130, 0.5)])
def test_any_size_has_exact_shapes_and_types(height: int, width: int, gsd_m: float) -> None:
    town = draw(height, width, 5, gsd_m)
    assert (town.image.shape, town.image.dtype) == ((4, height, width), np.uint8)
    assert (town.labels.shape, town.labels.dtype) == ((height, width), np.uint8)
    assert (town.heights.shape, town.heights.dtype) == ((height, width), np.float32)
    assert town.labels.max() <= CLUTTER
    assert np.isfinite(town.heights).all()


@pytest.mark.parametrize(("height", "width", "gsd_m"), [(63, 64, 0.1), (64, 63, 0.1), (64, 64, 0.0), (64, 64, -1.0)])
def test_impossible_sizes_are_refused(height: int, width: int, gsd_m: float) -> None:
    with pytest.raises(ValueError, match=r"pixels|distance"):
        draw(height, width, 0, gsd_m)


def test_a_seed_always_gives_the_same_town_and_another_seed_another() -> None:
    first, again, other = draw(200, 300, 8), draw(200, 300, 8), draw(200, 300, 9)
    for name in ("image", "labels", "heights"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
        assert (getattr(first, name) != getattr(other, name)).mean() > 0.2


def test_every_class_has_its_share(towns: list[Town]) -> None:
    for town in towns:
        shares = np.bincount(town.labels.ravel(), minlength=6) / town.labels.size
        assert all(low < share < high for share, (low, high) in zip(shares, SHARES, strict=True)), shares


def test_heights_are_those_of_the_classes(towns: list[Town]) -> None:
    for town in towns:
        assert (heights_of(town, IMPERVIOUS) == 0).all()
        assert np.median(heights_of(town, LOW_VEGETATION)) == 0
        assert heights_of(town, LOW_VEGETATION).max() < 3
        assert 0.5 < heights_of(town, CAR).min() < heights_of(town, CAR).max() < 2
        for label in (BUILDING, TREE):
            assert heights_of(town, label).min() > 2
            assert 4 < np.median(heights_of(town, label)) < heights_of(town, label).max() < 25


def test_shadows_darken_the_ground_on_one_side_of_everything(towns: list[Town]) -> None:
    angles = np.arange(16) * np.pi / 8
    for town in towns:
        left = np.arange(1024) < 512
        suns = []
        tall = town.heights > 2
        for casters in (town.labels == BUILDING, town.labels == TREE, tall & left, tall & ~left):
            brightness = brightness_beside(town, casters, angles)
            suns.append(angles[brightness.argmin()])
            assert brightness.min() < 0.85 * brightness.max()
        assert (np.cos(np.subtract.outer(suns, suns)) > np.cos(np.pi / 3)).all(), np.degrees(suns)


def test_vegetation_is_bright_in_the_near_infrared(towns: list[Town]) -> None:
    for town in towns:
        red, infrared = town.image[0].astype(float) + 1, town.image[3].astype(float) + 1
        index = (infrared - red) / (infrared + red)
        green = np.isin(town.labels, (LOW_VEGETATION, TREE))
        assert index[green].mean() > index[~green].mean() + 0.2


@pytest.mark.parametrize("bands", [3, 4])
def test_single_pixels_do_not_give_the_classes_away(towns: list[Town], bands: int) -> None:
    def pixels(town: Town) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        some = np.random.default_rng(0).choice(town.labels.size, 20_000, replace=False)
        return town.image[:bands].reshape(bands, -1).T[some], town.labels.ravel()[some]

    forest = RandomForestClassifier(30, min_samples_leaf=5, random_state=0).fit(*pixels(towns[0]))
    for town in towns[1:]:
        assert 0.5 < forest.score(*pixels(town)) < 0.82
