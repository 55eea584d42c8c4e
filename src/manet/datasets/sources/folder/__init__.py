"""A folder of your own images, with label rasters of the same names or with polygons."""

from manet.datasets.sources.folder.prepare import prepare
from manet.datasets.sources.folder.settings import FolderSettings

__all__ = ["FolderSettings", "prepare"]
