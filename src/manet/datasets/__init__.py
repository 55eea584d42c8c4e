"""Training data: sources, the one form they are prepared in, and patches of it."""
