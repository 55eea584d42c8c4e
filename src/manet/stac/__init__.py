"""STAC items: what catalogues know of models and maps. Plain dictionaries, as they are written as JSON."""
