"""The legend of both benchmarks: what their labels hold."""

from manet.datasets.legend_file import LabelledClass, LegendFile
from manet.legend import ISPRS

BOUNDARY = (0, 0, 0)
"""The colour of eroded labels within 3 pixels of a boundary between classes."""

LEGEND = LegendFile(classes=tuple(LabelledClass(**c.model_dump()) for c in ISPRS.classes), ignored=(BOUNDARY,))
