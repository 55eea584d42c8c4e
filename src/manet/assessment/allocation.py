"""How many points a sample needs, and how many go to each stratum."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from manet.assessment.quantity import Floats
from manet.errors import OptionError
from manet.files import choices

Allocation = Literal["equal", "proportional", "neyman", "compromise"]
ALLOCATIONS: tuple[Allocation, ...] = get_args(Allocation)

EXPECTED = 0.8
"""The share of a class that is expected to be mapped right, where nothing else is said."""

LARGEST = 100_000
"""Points; a wanted precision that needs more is refused."""

LEAST = 2
"""Points of a stratum, since one point says nothing of the variance."""


def deviations(
    target: str, names: Sequence[str], shares: Floats, expected: Mapping[str, float]
) -> tuple[Floats, Floats]:
    """What the standard error of a target depends on: (strata,) weights W and standard deviations S.

    The variance of the target is sum W^2 S^2 (1 - f) / n over the strata. What is mapped wrong is expected to belong to
    the other classes in proportion to their ground.

    Args:
        target: "overall", "users:CLASS" or "area:CLASS", of which the last two need strata that are classes.
        names: Of the strata.
        shares: (strata,) of all ground.
        expected: By stratum, the share that is expected to be right, 0 to 1; EXPECTED for those that are not named.

    Raises:
        OptionError: The target or a stratum is unknown, or a share is not between 0 and 1.
    """
    for name, value in expected.items():
        if name not in names:
            raise OptionError(f"no stratum '{name}'; expected one of {choices(name, names)}", option="expected")
        if not 0 < value < 1:
            raise OptionError(
                f"'{name}' is expected to be right in {value}; give more than 0, less than 1", option="expected"
            )
    right = np.array([expected.get(name, EXPECTED) for name in names])
    if target == "overall":
        return shares, np.sqrt(right * (1 - right))
    kind, _, name = target.partition(":")
    if kind not in ("users", "area") or name not in names:
        raise OptionError(
            f"got the target '{target}'; expected overall, or users:CLASS or area:CLASS with one of "
            f"{choices(name, names)}",
            option="target",
        )
    index = list(names).index(name)
    if kind == "users":
        deviation = np.zeros(len(names))
        deviation[index] = np.sqrt(right[index] * (1 - right[index]))
        return (np.arange(len(names)) == index).astype(np.float64), deviation
    belonging = (1 - right) * shares[index] / np.maximum(1 - shares, 1e-12)
    belonging[index] = right[index]
    return shares, np.sqrt(belonging * (1 - belonging))


def expected_error(counts: NDArray[np.generic], pixels: NDArray[np.integer], weights: Floats, spread: Floats) -> float:
    """The standard error that a stratified sample is expected to give (Cochran 1977, equation 5.7).

    Args:
        counts: (strata,) points, which need not be whole numbers.
        pixels: (strata,).
        weights: (strata,) W of `deviations`.
        spread: (strata,) S of `deviations`.
    """
    used = (weights * spread > 0) & (pixels > 0)
    n, whole = counts[used].astype(np.float64), pixels[used]
    if (n <= 0).any():
        return float("inf")
    return float(np.sqrt(((weights * spread)[used] ** 2 * (1 - n / whole) / n).sum()))


def allocate(
    size: int,
    allocation: Allocation,
    pixels: NDArray[np.integer],
    weights: Floats,
    spread: Floats,
    shares: Floats,
    minimum: int,
) -> NDArray[np.int64]:
    """Points of each stratum (strata,), which are `size` together; 0 where a stratum has no pixel.

    equal: all alike. proportional: as the ground. neyman: as W S, which gives the smallest standard error of the
    target. compromise: as the ground, but at least `minimum` in each (Olofsson et al. 2014, section 5.1.2).

    Raises:
        OptionError: There are not enough points or pixels.
    """
    used = pixels > 0
    wish = {
        "equal": np.ones(len(pixels)),
        "proportional": shares,
        "neyman": weights * spread,
        "compromise": shares,
    }[allocation] * used
    least = np.where(used, np.minimum(minimum if allocation == "compromise" else LEAST, pixels), 0)
    if size < least.sum() or size > pixels.sum():
        raise OptionError(
            f"got {size} points for {int(used.sum())} strata; expected {least.sum()} to {pixels.sum()}", option="size"
        )
    found = least.astype(np.float64)
    free = used.copy()  # strata whose share is neither too small nor more than they have
    while True:
        left = size - found[~free].sum()
        total = wish[free].sum()
        ideal = wish * (left / total) if total > 0 else np.where(free, left / max(free.sum(), 1), 0)
        low, high = free & (ideal < least), free & (ideal > pixels)
        if not (low.any() or high.any()):
            found[free] = ideal[free]
            break
        if high.any():
            found[high], free = pixels[high], free & ~high
        else:
            free = free & ~low
    return _rounded(found, size, pixels)


def _rounded(values: Floats, total: int, limits: NDArray[np.integer]) -> NDArray[np.int64]:
    """Whole numbers with the given sum, each next to its value (largest remainders)."""
    whole = np.floor(values + 1e-9).astype(np.int64)
    order = np.argsort(-(values - whole), kind="stable")
    for index in (i for _ in range(len(values)) for i in order):
        if whole.sum() >= total:
            break
        if values[index] > 0 and whole[index] < limits[index]:
            whole[index] += 1
    return whole


def size_for(
    standard_error: float,
    allocation: Allocation,
    pixels: NDArray[np.integer],
    weights: Floats,
    spread: Floats,
    shares: Floats,
    minimum: int,
) -> int:
    """The smallest sample whose expected standard error is not larger than wanted; see `allocate` for the arguments.

    Raises:
        OptionError: It would have more than 100,000 points.
    """
    if not 0 < standard_error < 0.5:
        raise OptionError(
            f"got a standard error of {standard_error}; expected one such as 0.02", option="standard_error"
        )
    least = np.minimum(minimum if allocation == "compromise" else LEAST, pixels)
    low, high = int(least.sum()) - 1, int(min(LARGEST, pixels.sum()))

    def error(size: int) -> float:
        return expected_error(
            allocate(size, allocation, pixels, weights, spread, shares, minimum), pixels, weights, spread
        )

    if error(high) > standard_error:
        raise OptionError(
            f"a standard error of {standard_error} needs more than {high} points; allow a larger one",
            option="standard_error",
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if error(middle) <= standard_error else (middle, high)
    return high
