"""Load a map and polygons in QGIS, and render them: run by the system's Python, which has QGIS; prints JSON."""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import (
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

RASTERS = (".tif",)


def layer_of(path):
    """The layer of a file with the style that QGIS finds by itself."""
    layer = QgsRasterLayer(path, "map") if path.endswith(RASTERS) else QgsVectorLayer(path, "map", "ogr")
    assert layer.isValid(), path
    return layer


def legend_of(layer):
    """The legend's entries: label and colour."""
    if isinstance(layer, QgsRasterLayer):
        return [[label, colour.name()] for label, colour in layer.renderer().legendSymbologyItems()]
    return [[item.label(), item.symbol().color().name()] for item in layer.renderer().legendSymbolItems()]


def render(layer, picture):
    """Render a layer alone; the picture's colours by how many pixels have them."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setBackgroundColor(QColor("white"))
    settings.setOutputSize(QSize(600, 600))
    settings.setFlag(QgsMapSettings.Antialiasing, False)
    settings.setExtent(layer.extent())
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(picture)
    counts = {}
    for row in range(0, image.height(), 2):
        for column in range(0, image.width(), 2):
            name = image.pixelColor(column, row).name()
            counts[name] = counts.get(name, 0) + 1
    return counts


application = QgsApplication([], False)
application.initQgis()
found = {}
for path in sys.argv[1:]:
    layer = layer_of(path)
    found[path] = {"legend": legend_of(layer), "colours": render(layer, path + ".png"), "type": layer.renderer().type()}
print(json.dumps(found))
sys.stdout.flush()
os._exit(0)  # QGIS may crash while Python takes it apart
