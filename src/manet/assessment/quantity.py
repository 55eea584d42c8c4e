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
    """A value with its standard error and 95 % confidence interval."""

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
    ) -> list[Estimate | None]:
        """Each quantity with its interval, which ends at the smallest and largest value that there can be.

        Args:
            degrees: Degrees of freedom of the t distribution; infinite for the normal one.
            smallest: No value is smaller.
            largest: No value is larger.
            certain: Whether the sample holds every unit, so that a standard error of 0 means what it says.

        Returns:
            One entry per quantity; None where it is undefined (NaN).
        """
        reach = quantile(degrees) * self.standard_error
        found: list[Estimate | None] = []
        for value, error, half in zip(self.value.tolist(), self.standard_error.tolist(), reach.tolist(), strict=True):
            if np.isnan(value):
                found.append(None)
            elif error < NO_ERROR and not certain:
                found.append(Estimate(value, 0.0, None, None))
            else:
                found.append(Estimate(value, error, max(value - half, smallest), min(value + half, largest)))
        return found


def quantile(degrees: float) -> float:
    """How many standard errors a 95 % interval reaches to each side: 1.96, or more with few degrees of freedom."""
    upper = (1 + LEVEL) / 2
    return float(ndtri(upper) if np.isinf(degrees) else stdtrit(degrees, upper))
