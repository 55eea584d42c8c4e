"""The paper's comparison: networks under one recipe and the same seeds, its tables and its figures."""
