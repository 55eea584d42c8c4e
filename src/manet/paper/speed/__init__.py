"""How fast networks are: ways to compute the same thing, side by side in one interleaved run."""
