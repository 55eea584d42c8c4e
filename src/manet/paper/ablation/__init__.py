"""Ablations: one change at a time to a recipe, scored on the validation split; a change that helps is kept."""
