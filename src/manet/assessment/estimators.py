"""Estimators of shares of the ground for the designs that there are: stratified points, and blocks.

Every estimator takes values of the sampled units (units, quantities) and gives the shares of all ground that they stand
for, with each unit's influence. docs/assessment.md has the formulas.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from manet.assessment.quantity import Floats, Quantity

LEAST_POINTS = 10
"""Post-strata with fewer points are merged."""


class Estimator(Protocol):
    """What estimates are made with."""

    degrees: float
    """Degrees of freedom of the standard errors."""
    certain: bool
    """Whether every unit of the population was sampled."""

    def __call__(self, values: Floats) -> Quantity:
        """Estimated shares of all ground; values: (units, quantities)."""
        ...


class Stratified:
    """Points that were drawn at random in each stratum (Cochran 1977, chapter 5), or are so treated afterwards.

    A point stands for its pixel, whose ground is its weight; within a stratum, shares are ratios of ground. Where all
    pixels have the same size, these are the textbook's means.
    """

    degrees = float("inf")

    def __init__(self, stratum: NDArray[np.integer], ground: Floats, shares: Floats, fractions: Floats) -> None:
        """Take the sample's design.

        Args:
            stratum: (points,) each point's stratum, 0 upwards.
            ground: (points,) the ground of each point's pixel, in any unit.
            shares: (strata,) each stratum's share of all ground; every stratum has a point, and a second one unless it
                was sampled whole.
            fractions: (strata,) share of the stratum's pixels that was sampled, 0 to 1.
        """
        count = np.bincount(stratum, minlength=len(shares))
        total = np.bincount(stratum, ground, minlength=len(shares))
        self.stratum = stratum
        self.certain = bool((fractions >= 1).all())
        self._shares = shares
        self._mean = ground / total[stratum]
        spread = np.sqrt(np.maximum(1 - fractions, 0) * count / np.maximum(count - 1, 1))
        self._scale = (shares * spread)[stratum] * self._mean

    def __call__(self, values: Floats) -> Quantity:
        """Estimated shares of all ground; values: (points, quantities)."""
        weighted = values * self._mean[:, None]
        means = np.stack(
            [np.bincount(self.stratum, column, minlength=len(self._shares)) for column in weighted.T], axis=1
        )
        return Quantity(self._shares @ means, self._scale[:, None] * (values - means[self.stratum]))


class Clustered:
    """Blocks that were drawn at random from all blocks: ratios of block totals (Cochran 1977, chapters 9 and 6)."""

    def __init__(self, ground: Floats, fraction: float) -> None:
        """Take the sample's design.

        Args:
            ground: (blocks,) the ground of each block, in any unit, more than one block.
            fraction: Share of all blocks that was sampled, 0 to 1.
        """
        blocks = len(ground)
        self.degrees = float(blocks - 1)
        self.certain = fraction >= 1
        self._ground = ground
        self._scale = np.sqrt(max(1 - fraction, 0.0) * blocks / (blocks - 1)) / ground.sum()

    def __call__(self, values: Floats) -> Quantity:
        """Estimated shares of all ground; values: (blocks, quantities) in the unit of the ground."""
        ratio = values.sum(axis=0) / self._ground.sum()
        return Quantity(ratio, self._scale * (values - self._ground[:, None] * ratio))


def merge_small(group: NDArray[np.integer], shares: Floats, least: int = LEAST_POINTS) -> NDArray[np.intp]:
    """Which groups to join so that each has points enough to be a post-stratum.

    The group with the fewest points joins the one with the next fewest, until all have `least` points or one is left.

    Args:
        group: (points,) each point's group.
        shares: (groups,) each group's share of all ground.
        least: Points that a group must have.

    Returns:
        (groups,) the post-stratum of each group, 0 upwards; groups without ground and points are in the first.
    """
    counts = np.bincount(group, minlength=len(shares))
    merged = np.arange(len(shares))
    alive = [int(g) for g in np.flatnonzero((shares > 0) | (counts > 0))]
    while len(alive) > 1:
        alive.sort(key=lambda g: counts[g])
        if counts[alive[0]] >= least:
            break
        small, next_small = alive[:2]
        counts[next_small] += counts[small]
        merged[merged == small] = next_small
        alive.remove(small)
    alive.sort()
    return np.array([max(alive.index(int(g)), 0) if int(g) in alive else 0 for g in merged], np.intp)


def post_stratified(
    group: NDArray[np.integer], ground: Floats, shares: Floats, fraction: float
) -> tuple[Stratified, NDArray[np.intp]]:
    """The estimator for points that were drawn from the whole map, stratified afterwards by what is known of all.

    Standard errors are conditional on how many points fell into each group (Holt and Smith 1979).

    Args:
        group: (points,) each point's group, such as its mapped class.
        ground: (points,) the ground of each point's pixel.
        shares: (groups,) each group's share of all ground.
        fraction: Share of all pixels that was sampled, 0 to 1.

    Returns:
        The estimator, and the post-stratum of each group.
    """
    merged = merge_small(group, shares)
    strata = int(merged.max()) + 1
    pooled = np.zeros(strata)
    np.add.at(pooled, merged, shares)
    return Stratified(merged[group], ground, pooled, np.full(strata, fraction)), merged
