"""What the labels of both benchmarks hold."""

from manet.datasets.legend_file import LabelledClass, LegendFile
from manet.legend import ISPRS

BOUNDARY = (0, 0, 0)
"""In the eroded labels, within 3 pixels of where classes meet."""

LEGEND = LegendFile(classes=tuple(LabelledClass(**c.model_dump()) for c in ISPRS.classes), ignored=(BOUNDARY,))
