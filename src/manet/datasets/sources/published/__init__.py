"""Published datasets, from their publishers' own archives."""

from manet.datasets.sources.published.prepare import PARTIAL, prepare_publication
from manet.datasets.sources.published.publication import Height, Publication, PublicationSettings, Role

__all__ = ["PARTIAL", "Height", "Publication", "PublicationSettings", "Role", "prepare_publication"]
