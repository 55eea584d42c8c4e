"""Scenes in and maps out: the only place that knows GDAL."""

import os

# GDAL's block cache is 5 % of the machine's memory by default, and would grow with the scene
os.environ.setdefault("GDAL_CACHEMAX", "64")
