"""Training data: sources, their one prepared form, and patches of it."""
