"""Estimated quantities that carry how much each sampled unit adds to their error, and their confidence intervals.

Standard errors of sums, differences and ratios of estimates follow by linearisation: the influences are added,
subtracted and divided as the values are, and the variance is the sum of their squares (Särndal, Swensson and Wretman
1992, chapter 5).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

Floats = NDArray[np.float64]

LEVEL = 0.95
"""Of the confidence intervals."""

NO_ERROR = 1e-12
"""Standard errors below this are 0 but for rounding; values are shares."""


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error and the ends of its 95 % confidence interval."""

    value: float
    standard_error: float
    low: float | None
    """None where all sampled units agree: a standard error of 0 then says that the sample is small, not that the value
    is certain."""
    high: float | None

    def times(self, factor: float) -> "Estimate":
        """The same estimate in another unit."""
        return Estimate(
            self.value * factor,
            self.standard_error * factor,
            None if self.low is None else self.low * factor,
            None if self.high is None else self.high * factor,
        )


@dataclass(frozen=True)
class Quantity:
    """Several estimates from one sample."""

    value: Floats
    """(quantities,)."""
    influence: Floats
    """(units, quantities): what each sampled unit adds to the error; the sum of squares is the variance."""

    def combined(self, weights: Floats) -> "Quantity":
        """Weighted sums of the quantities; weights: (quantities, sums)."""
        return Quantity(self.value @ weights, self.influence @ weights)

    def minus(self, other: "Quantity") -> "Quantity":
        """Differences, one by one."""
        return Quantity(self.value - other.value, self.influence - other.influence)

    def plus(self, constants: Floats) -> "Quantity":
        """Sums with numbers that are known exactly."""
        return Quantity(self.value + constants, self.influence)

    def divided_by(self, other: "Quantity") -> "Quantity":
        """Ratios, one by one; NaN where the divisor is 0."""
        below = np.where(other.value > NO_ERROR, other.value, np.nan)
        ratio = self.value / below
        return Quantity(ratio, (self.influence - ratio * other.influence) / below)

    @property
    def standard_error(self) -> Floats:
        """(quantities,)."""
        return np.sqrt((self.influence**2).sum(axis=0))

    def estimates(
        self, degrees: float, smallest: float = 0.0, largest: float = 1.0, certain: bool = False
    ) -> list[Estimate]:
        """Each quantity with the symmetric interval of 1.96 standard errors (or what the t distribution says).

        Args:
            degrees: Degrees of freedom of the t distribution; infinite for the normal one.
            smallest: No value is smaller; the interval ends there.
            largest: No value is larger.
            certain: Whether the sample holds every unit, so that a standard error of 0 means what it says.
        """
        reach = quantile(degrees) * self.standard_error
        low, high = np.maximum(self.value - reach, smallest), np.minimum(self.value + reach, largest)
        known = (self.standard_error >= NO_ERROR) | certain
        rows = zip(self.value.tolist(), self.standard_error.tolist(), low.tolist(), high.tolist(), known, strict=True)
        return [
            Estimate(value, error, lo, hi) if ok else Estimate(value, 0.0, None, None)
            for value, error, lo, hi, ok in rows
        ]

    def accuracies(self, degrees: float, certain: bool = False, points: Floats | None = None) -> list[Estimate | None]:
        """Each quantity, which is a proportion, with its Wilson interval for as many points as its error amounts to.

        Symmetric intervals of proportions near 1 cover too seldom, and reach beyond 1 (Franco et al. 2019).

        Args:
            degrees: Degrees of freedom of the t distribution; infinite for the normal one.
            certain: Whether the sample holds every unit.
            points: (quantities,) how many points the quantity is of, for where all agree and there is no error to tell
                it; None or 0 where that is unknown.

        Returns:
            One entry per quantity; None where it is undefined (NaN).
        """
        low, high = wilson(self.value, self.standard_error, degrees, points)
        found: list[Estimate | None] = []
        rows = zip(self.value.tolist(), self.standard_error.tolist(), low.tolist(), high.tolist(), strict=True)
        for value, error, lo, hi in rows:
            if np.isnan(value):
                found.append(None)
            elif certain:
                found.append(Estimate(value, error, value, value))
            else:
                found.append(Estimate(value, error, *((None, None) if np.isnan(lo) else (lo, hi))))
        return found


def wilson(value: Floats, error: Floats, degrees: float, points: Floats | None = None) -> tuple[Floats, Floats]:
    """The ends of Wilson's interval of proportions; NaN where neither an error nor points say how large the sample is.

    Args:
        value: (quantities,) 0 to 1.
        error: (quantities,) standard errors, from which follows the number n of equally weighted points:
            value (1 - value) / error^2.
        degrees: Degrees of freedom.
        points: (quantities,) n where the error is 0.
    """
    z = quantile(degrees)
    with np.errstate(invalid="ignore", divide="ignore"):
        n = value * (1 - value) / error**2
        n = np.where(error >= NO_ERROR, n, np.nan if points is None else np.where(points > 0, points, np.nan))
        middle = (value + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(np.maximum(value * (1 - value), 0) / n + z**2 / (4 * n**2))
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def quantile(degrees: float) -> float:
    """How many standard errors a 95 % interval reaches to each side: 1.96, or more with few degrees of freedom."""
    upper = (1 + LEVEL) / 2
    return float(ndtri(upper) if np.isinf(degrees) else stdtrit(degrees, upper))
