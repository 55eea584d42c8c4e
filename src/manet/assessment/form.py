"""The form that QGIS shows for a sample: a drop-down of the classes, and nothing that gives away what was mapped."""

from collections.abc import Sequence
from xml.etree import ElementTree

SHOWN = ("id", "reference")
"""Fields of the form; whoever labels does not see the map's class."""

UNLABELLED = '"reference" IS NULL OR "reference" = \'\''


def qgis_form(fields: Sequence[str], classes: Sequence[str]) -> str:
    """A style for QGIS (QML): crosses that change colour once they are labelled, and the form.

    Args:
        fields: The names of the sample's attributes, with "reference" among them.
        classes: What the drop-down offers.
    """
    root = ElementTree.Element("qgis", version="3.28", styleCategories="Symbology|Fields|Forms")
    _renderer(root)
    configuration = ElementTree.SubElement(root, "fieldConfiguration")
    for name in fields:
        field = ElementTree.SubElement(configuration, "field", name=name, configurationFlags="None")
        if name == "reference":
            _drop_down(field, classes)
        else:
            widget = ElementTree.SubElement(field, "editWidget", type="TextEdit" if name in SHOWN else "Hidden")
            ElementTree.SubElement(ElementTree.SubElement(widget, "config"), "Option")
    editable = ElementTree.SubElement(root, "editable")
    for name in fields:
        ElementTree.SubElement(editable, "field", name=name, editable="1" if name == "reference" else "0")
    ElementTree.indent(root)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ElementTree.tostring(root, "unicode")


def _drop_down(field: ElementTree.Element, classes: Sequence[str]) -> None:
    widget = ElementTree.SubElement(field, "editWidget", type="ValueMap")
    config = ElementTree.SubElement(ElementTree.SubElement(widget, "config"), "Option", type="Map")
    choices = ElementTree.SubElement(config, "Option", name="map", type="List")
    for name in classes:
        entry = ElementTree.SubElement(choices, "Option", type="Map")
        ElementTree.SubElement(entry, "Option", name=name, type="QString", value=name)


def _renderer(root: ElementTree.Element) -> None:
    renderer = ElementTree.SubElement(
        root, "renderer-v2", type="RuleRenderer", symbollevels="0", enableorderby="0", forceraster="0"
    )
    rules = ElementTree.SubElement(renderer, "rules", key="sample")
    symbols = ElementTree.SubElement(renderer, "symbols")
    for number, (key, label, condition, colour) in enumerate(
        (("open", "to be labelled", UNLABELLED, "228,26,28,255"), ("done", "labelled", "ELSE", "77,175,74,255"))
    ):
        ElementTree.SubElement(rules, "rule", key=key, label=label, filter=condition, symbol=str(number))
        symbol = ElementTree.SubElement(symbols, "symbol", name=str(number), type="marker", alpha="1")
        layer = ElementTree.SubElement(symbol, "layer", {"class": "SimpleMarker", "enabled": "1", "pass": "0"})
        options = ElementTree.SubElement(layer, "Option", type="Map")
        marker = {"name": "cross", "size": "4", "outline_color": colour, "outline_width": "0.5", "color": colour}
        for name, value in marker.items():
            ElementTree.SubElement(options, "Option", name=name, type="QString", value=value)
