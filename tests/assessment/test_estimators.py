"""Estimators against arithmetic by hand, textbook formulas written out, and every possible sample."""

from itertools import combinations

import numpy as np
import pytest

from manet.assessment.accuracy import Units, assessment, estimate_units, points_as_units
from manet.assessment.estimators import Clustered, Stratified, merge_small, post_stratified
from manet.assessment.quantity import Quantity, quantile, wilson


def test_two_strata_by_hand() -> None:
    """Strata of 60 and 40 %; 3 of 4 and 1 of 2 points are right; 40 and 20 pixels."""
    stratum, right = np.array([0, 0, 0, 0, 1, 1]), np.array([1, 1, 1, 0, 1, 0])
    estimator = Stratified(stratum, np.ones(6), np.array([0.6, 0.4]), np.array([4 / 40, 2 / 20]))
    found = estimator(right[:, None].astype(float))
    assert found.value[0] == pytest.approx(0.6 * 0.75 + 0.4 * 0.5)
    # s^2 is 0.25 and 0.5
    assert found.standard_error[0] ** 2 == pytest.approx(0.36 * 0.9 * 0.25 / 4 + 0.16 * 0.9 * 0.5 / 2)


def test_points_count_by_the_ground_of_their_pixels() -> None:
    """A pixel of twice the ground counts twice; the variance is that of a ratio."""
    ground, y = np.array([1.0, 2.0, 1.0]), np.array([1.0, 0.0, 1.0])
    found = Stratified(np.zeros(3, int), ground, np.ones(1), np.zeros(1))(y[:, None])
    assert found.value[0] == pytest.approx(0.5)
    residuals = ground * (y - 0.5) / ground.mean()
    assert found.standard_error[0] ** 2 == pytest.approx((residuals**2).sum() / 2 / 3)


def test_a_stratum_that_was_sampled_whole_adds_no_error() -> None:
    found = Stratified(np.array([0, 0, 1, 1]), np.ones(4), np.array([0.5, 0.5]), np.array([1.0, 0.0]))(
        np.array([[1.0], [0.0], [1.0], [0.0]])
    )
    assert found.standard_error[0] ** 2 == pytest.approx(0.25 * 0.5 / 2)


def test_blocks_are_ratios_of_totals() -> None:
    ground, y = np.array([4.0, 2.0, 6.0]), np.array([1.0, 1.0, 4.0])
    found = Clustered(ground, 3 / 30)(y[:, None])
    assert found.value[0] == pytest.approx(0.5)
    residuals = y - 0.5 * ground
    assert found.standard_error[0] ** 2 == pytest.approx(0.9 * (residuals**2).sum() / 2 / 3 / 16)
    assert Clustered(ground, 0.1).degrees == 2 and quantile(2) == pytest.approx(4.302653, abs=1e-6)
    assert quantile(float("inf")) == pytest.approx(1.959964, abs=1e-6)


def test_every_sample_of_a_tiny_population() -> None:
    """The mean of the estimates is the truth, and the mean of the estimated variances is their variance."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 2, 5).astype(float), rng.integers(0, 2, 4).astype(float)
    estimates, variances = [], []
    for a in combinations(range(5), 2):
        for b in combinations(range(4), 3):
            y = np.concatenate([first[list(a)], second[list(b)]])
            estimator = Stratified(
                np.array([0, 0, 1, 1, 1]), np.ones(5), np.array([5 / 9, 4 / 9]), np.array([2 / 5, 3 / 4])
            )
            found = estimator(y[:, None])
            estimates.append(found.value[0])
            variances.append(found.standard_error[0] ** 2)
    assert np.mean(estimates) == pytest.approx(np.concatenate([first, second]).mean())
    assert np.mean(variances) == pytest.approx(np.var(estimates))


def test_the_error_of_a_ratio_is_that_of_its_residuals() -> None:
    rng = np.random.default_rng(1)
    y, x = rng.random(30), 1 + rng.random(30)
    estimator = Stratified(np.arange(30) % 2, np.ones(30), np.array([0.3, 0.7]), np.zeros(2))
    both = estimator(np.stack([y, x], axis=1))
    top, below = both.combined(np.array([[1.0], [0.0]])), both.combined(np.array([[0.0], [1.0]]))
    ratio = top.divided_by(below)
    residual = estimator((y - ratio.value[0] * x)[:, None])
    assert ratio.standard_error[0] == pytest.approx(residual.standard_error[0] / below.value[0])
    nothing = top.divided_by(Quantity(np.zeros(1), below.influence))
    assert np.isnan(nothing.value[0]) and nothing.accuracies(float("inf")) == [None]


def test_wilsons_interval() -> None:
    """For 18 right of 20 (Wilson 1927): 0.699 to 0.972."""
    p, n = np.array([0.9]), 20
    low, high = wilson(p, np.sqrt(p * (1 - p) / n), float("inf"))
    assert (low[0], high[0]) == pytest.approx((0.698978, 0.972135), abs=1e-4)
    low, high = wilson(np.ones(1), np.zeros(1), float("inf"), np.array([50.0]))
    assert (low[0], high[0]) == pytest.approx((50 / (50 + 1.959964**2), 1), abs=1e-6)
    assert np.isnan(wilson(np.ones(1), np.zeros(1), float("inf"))[0][0])


def test_no_interval_has_no_width() -> None:
    """All points agree: user's accuracies say how many there were, and nothing else claims to be certain."""
    mapped = np.repeat([0, 1], [40, 10])
    units = points_as_units(mapped, mapped, 2)
    estimator = Stratified(mapped, np.ones(50), np.array([0.9, 0.1]), np.zeros(2))
    shares = np.array([0.9, 0.1])
    found = assessment(estimate_units(units, estimator, shares), units, estimator, "ab", shares, None, design="")
    a, b = found.classes
    assert a.users and a.users.low == pytest.approx(40 / (40 + 3.841459)) and a.users.high == 1
    assert b.users and b.users.low == pytest.approx(10 / (10 + 3.841459))
    for estimate in (a.producers, b.producers, a.share, b.share):
        assert estimate and estimate.low is None and estimate.high is None
    whole = Stratified(mapped, np.ones(50), np.array([0.9, 0.1]), np.ones(2))
    known = assessment(estimate_units(units, whole, shares), units, whole, "ab", shares, None, design="")
    assert known.classes[0].share.low == known.classes[0].share.high == pytest.approx(0.9)


def test_post_strata_with_few_points_are_merged() -> None:
    group = np.repeat([0, 1, 2, 3], [50, 4, 3, 20])
    shares = np.array([0.6, 0.05, 0.04, 0.3, 0.01])  # the last has no point at all
    assert merge_small(group, shares).tolist() == [0, 1, 1, 1, 1]
    assert merge_small(np.repeat([0, 1], [30, 30]), np.array([0.5, 0.5])).tolist() == [0, 1]
    assert merge_small(np.repeat([0, 2], [3, 2]), np.array([0.5, 0.0, 0.5])).tolist() == [0, 0, 0]
    estimator, merged = post_stratified(group, np.ones(77), shares, 0.0)
    y = (group == 0).astype(float)
    assert estimator(y[:, None]).value[0] == pytest.approx(0.6) and len(merged) == 5


def test_blocks_correct_the_mapped_areas() -> None:
    """Area = mapped + mean error; by hand: 3 blocks of 10, of which 1, 0 and 2 are class 1 and mapped as 0."""
    pairs = np.array([[0, 0], [0, 1], [1, 1]])
    values = np.array([[5.0, 1, 4], [6.0, 0, 4], [3.0, 2, 5]])
    units, mapped = Units(pairs, values, values.sum(axis=0).astype(int)), np.array([0.62, 0.38])
    estimator = Clustered(values.sum(axis=1), 3 / 30)
    found = estimate_units(units, estimator, mapped, difference=True)
    assert found.share.value.tolist() == pytest.approx([0.62 - 0.1, 0.38 + 0.1])
    assert found.share.standard_error[1] ** 2 == pytest.approx(0.9 * 2 / 2 / 3 / 100)
    assert found.users.value.tolist() == pytest.approx([14 / 17, 1]) and found.producers.value[1] == pytest.approx(
        13 / 16
    )
