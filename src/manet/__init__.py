"""manet: maps from fine-resolution imagery by attention of linear complexity (Li et al. 2021, MANet).

`manet.build(name, ...)` gives a network, `manet.load(path)` one with its weights, legend and band statistics.
Importing this package alone imports neither torch nor GDAL.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from manet.networks import build
    from manet.networks.checkpoint import load

__version__ = version("manet")
__all__ = ["__version__", "build", "load"]


def __getattr__(name: str) -> object:
    if name == "build":
        from manet.networks import build

        return build
    if name == "load":
        from manet.networks.checkpoint import load

        return load
    raise AttributeError(f"module 'manet' has no attribute '{name}'")
