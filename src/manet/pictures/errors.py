"""Errors on the image: what was missed and what was found falsely, in colours that all can tell apart."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manet.legend import IGNORED, Legend
from manet.pictures.colours import NOTHING, Key, colourise, fill, legend_key, stretch
from manet.pictures.panels import write_panels

MISSED, FALSE, CONFUSED = range(3)
"""A foreground class is labelled and not predicted; predicted and not labelled; another one is predicted."""

COLOURS = ((213, 94, 0), (86, 180, 233), (240, 228, 66))
"""Vermilion, sky blue and yellow of Okabe and Ito (2008): they differ in lightness too."""

NAMES = ("missed: in the labels only", "false: in the prediction only", "another class")
LEAST = 0.35
"""How much of an error's colour a pixel of a reduced picture has at least, however few of its pixels are wrong."""


def error_kinds(labels: NDArray[np.uint8], prediction: NDArray[np.uint8], legend: Legend) -> NDArray[np.bool_]:
    """Which pixels are wrong, by the kind of error.

    Where the legend has no background, there is nothing to miss: every error is another class.

    Args:
        labels: Class indices (height, width), or IGNORED.
        prediction: Class indices (height, width), or IGNORED.
        legend: The classes.

    Returns:
        (3, height, width): missed, false, another class.
    """
    foreground = np.zeros(IGNORED + 1, bool)
    foreground[legend.foreground] = True
    wrong = (labels != prediction) & (labels != IGNORED) & (prediction != IGNORED)
    true, predicted = foreground[labels], foreground[prediction]
    return np.stack([wrong & true & ~predicted, wrong & ~true & predicted, wrong & (true == predicted)])


def draw_errors(picture: NDArray[np.float64], shares: NDArray[np.floating]) -> NDArray[np.float64]:
    """Lay errors over a picture in grey.

    Args:
        picture: (height, width, 3), 0 to 1.
        shares: How much of each pixel is wrong (3, height, width), 0 to 1, by the kind of error.

    Returns:
        (height, width, 3), 0 to 1.
    """
    grey = (0.15 + 0.6 * picture.mean(axis=2, keepdims=True)).repeat(3, axis=2)
    kind, share = shares.argmax(axis=0), shares.sum(axis=0)[..., None]
    colour = np.array(COLOURS)[kind] / 255
    opacity = np.where(share > 0, np.maximum(share, LEAST), 0)
    return grey * (1 - opacity) + colour * opacity


def error_key(shares: NDArray[np.floating]) -> list[Key]:
    """The entries of a legend for the kinds of errors that there are."""
    return [(COLOURS[kind], NAMES[kind]) for kind in range(len(NAMES)) if shares[kind].any()]


def class_errors(labels: NDArray[np.uint8], prediction: NDArray[np.uint8], index: int) -> NDArray[np.bool_]:
    """Where one class is missed and where it is false, whatever the other classes are: (3, height, width) as
    `error_kinds`, of which the last is empty."""
    scored = (labels != IGNORED) & (prediction != IGNORED)
    labelled, predicted = scored & (labels == index), scored & (prediction == index)
    return np.stack([labelled & ~predicted, predicted & ~labelled, np.zeros_like(scored)])


def write_class_errors(
    out: Path,
    image: NDArray[np.generic],
    shares: Mapping[str, NDArray[np.floating]],
    *,
    title: str,
    pixel_m: tuple[float, float] | None = None,
) -> None:
    """Write a PNG with one panel per class: where it is missed and where it is false, on the image.

    Args:
        out: File to write; one that is there is replaced.
        image: (bands, height, width); NaN where it is not valid.
        shares: How much of each pixel is wrong (3, height, width), by the kind of error, by the class's name.
        title: Shown above the pictures.
        pixel_m: Width and height of a picture's pixel on the ground, metres; None if unknown.

    Raises:
        OutputError: `out` cannot be written.
    """
    picture = fill(stretch(image))
    panels = {name: draw_errors(picture, share) for name, share in shares.items()}
    key = error_key(np.stack(list(shares.values())).max(axis=0))
    write_panels(out, panels, title=title, key=key, pixel_m=pixel_m, overwrite=True)


def write_comparison(
    out: Path,
    image: NDArray[np.generic],
    labels: NDArray[np.uint8],
    prediction: NDArray[np.uint8],
    legend: Legend,
    *,
    shares: NDArray[np.floating] | None = None,
    title: str,
    pixel_m: tuple[float, float] | None = None,
) -> None:
    """Write a PNG of image, labels, prediction and errors.

    Args:
        out: File to write; one that is there is replaced.
        image: (bands, height, width); NaN where it is not valid.
        labels: Class indices (height, width), or IGNORED.
        prediction: Class indices (height, width), or IGNORED.
        legend: The classes.
        shares: How much of each pixel is wrong (3, height, width), by the kind of error; None: as the classes say.
        title: Shown above the pictures.
        pixel_m: Width and height of a picture's pixel on the ground, metres; None if unknown.

    Raises:
        OutputError: `out` cannot be written.
    """
    if shares is None:
        shares = error_kinds(labels, prediction, legend).astype(np.float32)
    picture = fill(stretch(image))
    key = legend_key(legend)
    if (labels == IGNORED).any() or (prediction == IGNORED).any():
        key.append((NOTHING, "no label or no data"))
    panels = {
        "image": picture,
        "labels": colourise(labels, legend),
        "prediction": colourise(prediction, legend),
        "errors": draw_errors(picture, shares),
    }
    write_panels(out, panels, title=title, key=[*key, *error_key(shares)], pixel_m=pixel_m, overwrite=True)
