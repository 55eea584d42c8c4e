"""What comes out of predicting an image in memory."""

import base64
import html
import io
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyogrio.raw
import shapely
import shapely.geometry
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from manet.legend import IGNORED, Legend
from manet.raster.polygons import PolygonSettings, write_polygons
from manet.raster.styles import probability_style
from manet.raster.windows import Window
from manet.raster.writer import FULL, check_raster_file, write_classes, write_shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Prediction:
    """Class indices and probabilities of an image, with its georeference."""

    classes: NDArray[np.uint8]
    """(height, width); IGNORED (255) where a pixel is not valid."""
    probabilities: NDArray[np.float32]
    """(classes, height, width), 0 to 1; all 0 where a pixel is not valid."""
    legend: Legend
    crs: CRS | None
    """None where the image has no georeference."""
    transform: Affine
    """From columns and rows to coordinates."""

    @property
    def shares(self) -> dict[str, float]:
        """The share of the valid pixels that each class has, 0 to 1, by name."""
        counts = np.bincount(self.classes[self.classes != IGNORED], minlength=len(self.legend))
        return {name: float(counts[index] / max(counts.sum(), 1)) for index, name in enumerate(self.legend.names)}

    def save(self, path: str | Path, *, probabilities: str | Path | None = None, overwrite: bool = False) -> None:
        """Write the map as a GeoTIFF with the legend's colours and names.

        Args:
            path: Class raster to write.
            probabilities: Raster of bytes to write, a band for each class (254 is a probability of 1).
            overwrite: Replace files that are there.

        Raises:
            OutputError: A file exists and is not to be replaced, or cannot be written.
        """
        for output in (path, probabilities):
            if output is not None:
                check_raster_file(Path(output))
        height, width = self.classes.shape
        place = {"height": height, "width": width, "crs": self.crs, "transform": self.transform}
        with write_classes(Path(path), legend=self.legend, overwrite=overwrite, **place) as raster:
            raster.write(self.classes, Window(0, 0, height, width))
        if probabilities is not None:
            shares = np.where(self.classes == IGNORED, IGNORED, np.rint(self.probabilities * FULL)).astype(np.uint8)
            with write_shares(
                Path(probabilities),
                band_names=self.legend.names,
                style=probability_style(self.legend),
                overwrite=overwrite,
                **place,
            ) as raster:
                raster.write(shares, Window(0, 0, height, width))

    def polygons(
        self, path: str | Path | None = None, settings: PolygonSettings | None = None, *, overwrite: bool = False
    ) -> list[dict[str, Any]]:
        """The polygons of the map: connected regions of one class, the class called background left out.

        Args:
            path: File to write, .gpkg, .geojson, .shp, .fgb or .parquet; None: none is written.
            settings: Which polygons to write, and how they are simplified.
            overwrite: Replace a file that is there.

        Returns:
            GeoJSON features in the map's CRS, with class, name, area_m2 and confidence.
        """
        with TemporaryDirectory(prefix="manet-") as temporary:
            folder = Path(temporary)
            found = folder / "polygons.gpkg"
            self.save(folder / "map.tif", probabilities=folder / "probabilities.tif")
            for out in (found, *([Path(path)] if path is not None else [])):
                write_polygons(folder / "map.tif", out, folder / "probabilities.tif", settings, overwrite)
            return _features(found)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the map in the legend's colours, with the legend beside it.

        Args:
            ax: Axes of matplotlib to draw in; None: those of a new figure.

        Returns:
            The axes.
        """
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch

        if ax is None:
            ax = Figure(figsize=(7, 6), layout="constrained").subplots()
        table = np.zeros((IGNORED + 1, 4))
        table[: len(self.legend), :3] = np.array(self.legend.colours) / 255
        table[: len(self.legend), 3] = 1
        ax.imshow(table[self.classes], interpolation="nearest")
        ax.set_axis_off()
        patches = [
            Patch(facecolor=table[index], edgecolor="grey", label=n) for index, n in enumerate(self.legend.names)
        ]
        ax.legend(handles=patches, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        return ax

    def __repr__(self) -> str:
        height, width = self.classes.shape
        shares = ", ".join(f"{name} {100 * share:.1f} %" for name, share in self.shares.items())
        return f"Prediction of {height} x {width} pixels: {shares}"

    def _repr_html_(self) -> str:
        picture = io.BytesIO()
        figure: Any = self.plot().figure
        figure.savefig(picture, format="png", dpi=80)
        encoded = base64.b64encode(picture.getvalue()).decode()
        return f"<p>{html.escape(repr(self))}</p><img alt='map' src='data:image/png;base64,{encoded}'>"


def _features(path: Path) -> list[dict[str, Any]]:
    meta, _, wkb, columns = pyogrio.raw.read(path, layer=path.stem)
    names = [str(name) for name in meta["fields"]]
    return [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(shape),
            "properties": {
                name: column[index].item() if hasattr(column[index], "item") else column[index]
                for name, column in zip(names, columns, strict=True)
            },
        }
        for index, shape in enumerate(shapely.from_wkb(wkb))
    ]
