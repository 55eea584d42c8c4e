"""Accuracy by the size of objects, against a flood fill pixel by pixel."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from builders import Run, lively, one_line
from manet.card import Card
from manet.datasets.manifest import Manifest
from manet.evaluation.objects import EDGES, object_counts, object_scores, size_names
from manet.legend import BUILDINGS, IGNORED
from manet.networks import build
from manet.networks.checkpoint import write_checkpoint
from manet.recipe import NetworkSettings, Recipe

Town = tuple[Path, Manifest]


def naive_objects(mask: NDArray[np.bool_]) -> list[set[tuple[int, int]]]:
    """Pixels that are reached from each other over edges."""
    left, objects = set(zip(*(index.tolist() for index in mask.nonzero()), strict=True)), []
    while left:
        todo, found = [left.pop()], set()
        while todo:
            row, col = todo.pop()
            found.add((row, col))
            near = {(row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)} & left
            left -= near
            todo += near
        objects.append(found)
    return objects


def _maps(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Labels and a prediction (60, 90) of patches of many sizes, with ignored pixels in both."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((60, 90), np.uint8)
    for _ in range(40):
        row, col, height, width = *rng.integers(0, (60, 90)), *rng.integers(1, 22, 2)
        labels[row : row + height, col : col + width] = rng.integers(0, 3)
    prediction = np.where(rng.random(labels.shape) < 0.2, rng.integers(0, 3, labels.shape), labels).astype(np.uint8)
    labels[rng.random(labels.shape) < 0.03] = IGNORED
    prediction[:2, :30] = IGNORED
    return labels, prediction


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_a_flood_fill(seed: int) -> None:
    labels, prediction = _maps(seed)
    counts = object_counts(labels, prediction, 3)
    counted = (labels != IGNORED) & (prediction != IGNORED)
    expected = np.zeros_like(counts)
    for index in range(3):
        for pixels in naive_objects(counted & (labels == index)):
            place = sum(len(pixels) >= edge for edge in EDGES)
            hits = sum(int(prediction[at] == index) for at in pixels)
            expected[index, place, :4] += [1, hits > len(pixels) / 2, len(pixels), hits]
        for pixels in naive_objects(counted & (prediction == index)):
            place = sum(len(pixels) >= edge for edge in EDGES)
            expected[index, place, 4:] += [len(pixels), sum(int(labels[at] == index) for at in pixels)]
    assert (counts == expected).all()
    assert (counts[:, :3, 0].sum(0) > 0).all()  # several bins have objects
    assert counts[:, :, 2].sum() == counts[:, :, 4].sum() == counted.sum()


def test_scores_are_ratios_and_absent_where_nothing_is() -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[2:6, 2:8] = 1  # 24 pixels
    labels[8:20, 10:22] = 1  # 144 pixels
    prediction = np.zeros_like(labels)
    prediction[2:6, 2:5] = 1  # half of the small one: not found
    prediction[8:20, 10:30] = 1  # all of the large one, and 96 pixels more
    small, middle, *larger = object_scores(object_counts(labels, prediction, 2), BUILDINGS)["building"]
    assert (small.objects, small.found, small.recall, small.precision) == (1, 0.0, 0.5, 1.0)
    assert (middle.objects, middle.found, middle.recall, middle.precision) == (1, 1.0, 1.0, 0.6)
    assert (middle.smallest, larger[0].objects, larger[0].recall, larger[0].precision) == (100, 0, None, None)


def test_sizes_are_called_by_their_unit() -> None:
    assert size_names(None)[:2] == ["< 100 px", "100 to 300 px"] and size_names(None)[-1] == "> 100000 px"
    assert size_names(0.1)[:3] == ["< 1 m²", "1 to 3 m²", "3 to 10 m²"]
    assert len(size_names(0.1)) == len(EDGES) + 1


def test_evaluate_by_size(run: Run, town: Town, tmp_path: Path) -> None:
    folder, manifest = town
    network = lively(build("manet", encoder="regnetx_002", bands=3, classes=6))
    statistics = manifest.statistics
    network.set_statistics(statistics.mean, statistics.std)
    card = Card(
        recipe=Recipe(network=NetworkSettings(encoder="regnetx_002")),
        dataset="town",
        legend=manifest.legend,
        bands=manifest.bands,
        dtype=manifest.dtype,
        band_mean=statistics.mean,
        band_std=statistics.std,
        gsd_m=manifest.gsd_m,
        training_size=64,
        scores={},
        attribution="none",
        version="0",
    )
    write_checkpoint(tmp_path / "x.safetensors", network, card)
    command = "evaluate", tmp_path / "x.safetensors", "--data", folder, "--out", tmp_path / "s", "--by-size"
    status, text, _ = run(*command, "--device", "cpu")
    assert status == 0 and "objects.csv, objects.png" in text
    with (tmp_path / "s/objects.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["class"] for row in rows[:: len(EDGES) + 1]] == manifest.legend.names
    assert sum(int(row["objects"]) for row in rows if row["class"] == "car") > 3
    assert (tmp_path / "s/objects.png").stat().st_size > 10_000
    status, _, error = run(*command, "--labels", "eroded", "--overwrite")
    assert status == 2 and "take full labels (see --labels)" in one_line(error)
