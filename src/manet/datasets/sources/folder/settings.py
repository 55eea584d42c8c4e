"""What a folder of images and labels does not say about itself."""

from pathlib import Path
from typing import Literal

from manet.datasets.sources.settings import SourceSettings
from manet.datasets.strays import FolderStrayChoice
from manet.raster.collar import Colour


class FolderSettings(SourceSettings):
    """What the labels are, and how the images are split."""

    labels: Path | None = None
    """A folder of label rasters, or a file of polygons; None for the folder `labels` next to `images`."""
    legend: str | None = None
    """A legend file, or the name of a legend that comes with manet. It has to be given."""
    attribute: str | None = None
    """The attribute that says which class a polygon has; None if all polygons have the same."""
    area: Path | None = None
    """A file of polygons inside which labelling is complete; the pixels outside are ignored."""
    outside_polygons: Literal["background", "ignore"] | None = None
    """What pixels in no polygon are: of the background class, or ignored. It has to be given for polygons."""
    split: str = "blocks"
    """"file", "blocks", or the path of a TOML or CSV file with areas (see splits.py)."""
    seed: int = 0
    """Of the random splits by file and by blocks."""
    collar: Colour = "auto"
    """Which frame at the images' edges is nodata."""
    stray: FolderStrayChoice = "refuse"
    """What happens to labels that the legend does not know."""
