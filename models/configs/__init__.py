"""MMEngine configs, one a recipe."""
