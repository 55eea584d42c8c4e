"""Scenes in and maps out; only this package uses GDAL."""

import os

# MB; by default GDAL's block cache takes 5 % of the machine's memory, so memory would grow with the scene
os.environ.setdefault("GDAL_CACHEMAX", "64")
