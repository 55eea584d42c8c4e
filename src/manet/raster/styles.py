"""Styles for QGIS: QML for class rasters, rasters of shares and polygons; written beside a file or into a GeoPackage.

A style has the legend's classes and nothing else, so QGIS shows two entries for two classes instead of 256.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from manet.files import replacing
from manet.legend import Legend

Colour = tuple[int, int, int]

PROBABILITY = ((255, 255, 229), (254, 196, 79), (204, 76, 2), (102, 37, 6))
"""The colours of probabilities, from 0 to 1: each darker than the one before, so they are told apart without hues."""

UNCERTAINTY = ((247, 252, 253), (158, 188, 218), (136, 65, 157), (77, 0, 75))
"""The colours of uncertainty, from 0 to 1."""

OTHERS = ((27, 158, 119), (217, 95, 2), (117, 112, 179), (231, 41, 138), (102, 166, 30), (230, 171, 2), (102, 102, 102))
"""The colours of classes whose raster has no colour table, in turn."""


@dataclass(frozen=True)
class Entry:
    """One entry of a legend in QGIS."""

    value: int
    """The class index."""
    name: str
    colour: Colour


def entries_of(legend: Legend) -> list[Entry]:
    """One entry per class, in the legend's order."""
    return [Entry(index, one.name, one.colour) for index, one in enumerate(legend.classes)]


def class_style(entries: Sequence[Entry]) -> str:
    """The QML of a class raster: one colour and one name per class, and nothing for other values.

    Args:
        entries: The classes, in the order in which they are shown.
    """
    root, renderer = _raster("paletted", 1)
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for entry in entries:
        ElementTree.SubElement(
            palette, "paletteEntry", value=str(entry.value), color=as_hex(entry.colour), alpha="255", label=entry.name
        )
    return _text(root)


def share_style(band: int, name: str, colours: Sequence[Colour]) -> str:
    """The QML of a raster of shares as bytes (254 is 1): a ramp from 0 to 100 %. QGIS applies the bands' scale itself.

    Args:
        band: The band that is shown, from 1.
        name: What the shares are of, for the legend.
        colours: From 0 to 1, equally spaced; at least two.
    """
    root, renderer = _raster("singlebandpseudocolor", band)
    renderer.attrib.update(classificationMin="0", classificationMax="1")
    shader = ElementTree.SubElement(ElementTree.SubElement(renderer, "rastershader"), "colorrampshader")
    shader.attrib.update(colorRampType="INTERPOLATED", classificationMode="1", clip="0")
    shader.attrib.update(minimumValue="0", maximumValue="1")
    for number, colour in enumerate(colours):
        share = number / (len(colours) - 1)
        ElementTree.SubElement(
            shader,
            "item",
            value=f"{share:.6g}",
            color=as_hex(colour),
            alpha="255",
            label=f"{name}: {100 * share:.0f} %",
        )
    ElementTree.SubElement(shader, "rampLegendSettings", useContinuousLegend="0")
    return _text(root)


def probability_style(legend: Legend) -> str:
    """The QML of a raster of probabilities: the first class that the foreground means include, else the first class."""
    index = (legend.foreground or [0])[0]
    return share_style(index + 1, f"probability of {legend.names[index]}", PROBABILITY)


def uncertainty_style() -> str:
    """The QML of a raster of uncertainty."""
    return share_style(1, "uncertainty", UNCERTAINTY)


def polygon_style(entries: Sequence[Entry]) -> str:
    """The QML of polygons whose attribute `class` is the class index.

    Args:
        entries: The classes, in the order in which they are shown.
    """
    root = _root()
    renderer = ElementTree.SubElement(root, "renderer-v2", type="categorizedSymbol", attr="class", enableorderby="0")
    categories = ElementTree.SubElement(renderer, "categories")
    symbols = ElementTree.SubElement(renderer, "symbols")
    for number, entry in enumerate(entries):
        one = {"symbol": str(number), "value": str(entry.value), "label": entry.name, "render": "true"}
        ElementTree.SubElement(categories, "category", one, type="integer")
        symbol = ElementTree.SubElement(symbols, "symbol", type="fill", name=str(number), alpha="1")
        layer = ElementTree.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0"})
        outline = tuple(channel // 2 for channel in entry.colour)
        options = ElementTree.SubElement(layer, "Option", type="Map")
        for key, value in {
            "color": _rgba(entry.colour),
            "style": "solid",
            "outline_color": _rgba(outline),
            "outline_style": "solid",
            "outline_width": "0.2",
            "outline_width_unit": "MM",
        }.items():
            ElementTree.SubElement(options, "Option", name=key, type="QString", value=value)
    return _text(root)


def style_path(path: Path) -> Path:
    """Where QGIS looks for the style of a file: beside it, under the same name, .qml."""
    return path.with_suffix(".qml")


def write_style(path: Path, style: str, overwrite: bool = False) -> None:
    """Write the style of a file beside it.

    Args:
        path: The file that the style is for.
        style: QML.
        overwrite: Whether a style that is there is replaced.

    Raises:
        OutputError: A style is there and is not to be overwritten, or it cannot be written.
    """
    with replacing(style_path(path), overwrite) as partial:
        partial.write_text(style, encoding="utf-8")


STYLE_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)
"""
"""The table in which QGIS looks for the style of a layer."""


def add_style(path: Path, layer: str, style: str) -> None:
    """Put a style into a GeoPackage with one layer; QGIS takes it by itself.

    Args:
        path: The GeoPackage.
        layer: The layer's name.
        style: QML.

    Raises:
        sqlite3.Error: The file cannot be written.
    """
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(STYLE_TABLE)
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', 0)"
        )
        (column,) = database.execute("SELECT column_name FROM gpkg_geometry_columns").fetchone()
        database.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
            "styleQML, styleSLD, useAsDefault, description, owner) VALUES ('', '', ?, ?, ?, ?, '', 1, '', '')",
            (layer, column, layer, style),
        )


def as_hex(colour: Sequence[int]) -> str:
    """A colour as #rrggbb."""
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def _rgba(colour: Sequence[int]) -> str:
    return ",".join(map(str, (*colour, 255)))


def _root() -> ElementTree.Element:
    return ElementTree.Element("qgis", version="3.22", styleCategories="Symbology")


def _raster(kind: str, band: int) -> tuple[ElementTree.Element, ElementTree.Element]:
    root = _root()
    pipe = ElementTree.SubElement(root, "pipe")
    renderer = ElementTree.SubElement(pipe, "rasterrenderer", type=kind, band=str(band), opacity="1", alphaBand="-1")
    ElementTree.SubElement(renderer, "rasterTransparency")
    return root, renderer


def _text(root: ElementTree.Element) -> str:
    ElementTree.indent(root)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ElementTree.tostring(root, "unicode") + "\n"
