"""How scenes are predicted: every choice, defined once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from manet.errors import OptionError

if TYPE_CHECKING:
    from manet.raster.collar import Colour

Context = Literal["window", "scene"]
"""What attention sees: each window by itself, or the whole scene."""

Augmentation = Literal["none", "flips", "d4", "multiscale"]
"""At test time: none; 4 flips; 8 flips and turns; 3 scales, each with a flip."""

Halo = int | Literal["measured", "theoretical"]

WINDOW, OVERLAP = 512, 64
"""With window context, pixels."""


@dataclass(frozen=True)
class PredictionSettings:
    """What a map depends on, besides the network and the scene."""

    context: Context = "window"
    window: int | None = None
    """Height and width that the network sees, pixels. None: 512; with scene context as large as memory allows."""
    overlap: int = OVERLAP
    """Window context: pixels that a window shares with its neighbour, 0 to less than the window."""
    halo: Halo | None = None
    """Scene context: outer pixels of a window that are context only, a multiple of the network's stride; or how they
    are found. None: what training measured, else measured on the scene."""
    memory_bytes: int = 5 << 29
    """Scene context: memory that the process may take, 2.5 GB. Windows are as large as it allows, and features are kept
    between the two passes as far as it reaches; the others are computed twice."""
    augmentation: Augmentation = "none"
    """Window context only."""
    native: bool = False
    """Keep the scene's ground sampling distance where the training's is another."""
    collar: "Colour" = "auto"
    """Which frame at the scene's edges is nodata: "auto" (of the colour that fills its corners), "keep" (none),
    "black", "white" or "both"."""

    limit_megapixels: float = 20_000
    """More than so many megapixels, overlaps and poses included, are refused: they are hours."""

    def __post_init__(self) -> None:
        if self.context == "scene" and self.augmentation != "none":
            raise OptionError(
                f"got the augmentation {self.augmentation} with scene context, which predicts a scene in one pose; "
                "leave out the augmentation, or take window context"
            )
