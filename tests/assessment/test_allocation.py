"""Sizes of samples and how they are divided."""

import numpy as np
import pytest

from manet.assessment.allocation import allocate, deviations, expected_error, size_for
from manet.errors import OptionError

PIXELS = np.array([900, 80, 20, 0])
SHARES = PIXELS / 1000
NAMES = ["field", "wood", "house", "lake"]
WEIGHTS, SPREAD = deviations("overall", NAMES, SHARES, {"field": 0.9})


@pytest.mark.parametrize(
    ("allocation", "expected"),
    [
        ("equal", [40, 40, 20, 0]),  # a house has only 20 pixels
        ("proportional", [90, 8, 2, 0]),
        ("neyman", [88, 10, 2, 0]),  # as W S: 0.27, 0.032, 0.008, with at least 2 points
        ("compromise", [60, 20, 20, 0]),
    ],
)
def test_points_are_divided(allocation: str, expected: list[int]) -> None:
    found = allocate(100, allocation, PIXELS, WEIGHTS, SPREAD, SHARES, 20)  # type: ignore[arg-type]
    assert found.sum() == 100
    assert found == pytest.approx(expected, abs=1)
    assert (found <= PIXELS).all()


def test_the_size_is_the_smallest_that_reaches_the_error() -> None:
    arguments = ("proportional", PIXELS * 1000, WEIGHTS, SPREAD, SHARES, 50)
    size = size_for(0.02, *arguments)  # type: ignore[arg-type]

    def error(n: int) -> float:
        counts = allocate(n, *arguments)  # type: ignore[arg-type]
        return expected_error(counts, PIXELS * 1000, WEIGHTS, SPREAD)

    assert error(size) <= 0.02 < error(size - 1)
    assert size == pytest.approx((SHARES * SPREAD**2).sum() / 0.02**2, abs=3)


def test_targets_of_one_class() -> None:
    weights, spread = deviations("users:house", NAMES, SHARES, {"house": 0.5})
    assert weights.tolist() == [0, 0, 1, 0] and spread[2] == 0.5
    weights, spread = deviations("area:house", NAMES, SHARES, {"house": 0.5, "field": 0.9})
    # of the fields, 0.1 are mapped wrong, and 0.02 of the other 0.1 of the ground are houses
    assert spread[0] == pytest.approx(np.sqrt(0.02 * 0.98)) and spread[2] == 0.5
    many = size_for(0.002, "neyman", PIXELS * 1000, weights, spread, SHARES, 50)
    assert many > size_for(0.01, "neyman", PIXELS * 1000, weights, spread, SHARES, 50)


@pytest.mark.parametrize(
    ("target", "expected", "words"),
    [
        ("overall", {"hous": 0.5}, "no stratum 'hous'.*nearest: house"),
        ("overall", {"house": 1.0}, "expected to be right in 1.0"),
        ("users:lakes", {}, "users:lakes.*nearest: lake"),
        ("area", {}, "target 'area'"),
    ],
)
def test_what_cannot_be_aimed_at(target: str, expected: dict[str, float], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        deviations(target, NAMES, SHARES, expected)


def test_sizes_out_of_range() -> None:
    with pytest.raises(OptionError, match=r"got 5 points for 3 strata; expected 60"):
        allocate(5, "compromise", PIXELS, WEIGHTS, SPREAD, SHARES, 20)
    with pytest.raises(OptionError, match="expected 6 to 1000"):
        allocate(1001, "equal", PIXELS, WEIGHTS, SPREAD, SHARES, 20)
    for wrong in (0.0, 0.7):
        with pytest.raises(OptionError, match="standard error"):
            size_for(wrong, "equal", PIXELS, WEIGHTS, SPREAD, SHARES, 20)
    with pytest.raises(OptionError, match="more than 100000 points"):
        size_for(1e-5, "equal", PIXELS * 10000, WEIGHTS, SPREAD, SHARES, 20)
