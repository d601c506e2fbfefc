"""Calling of cells among the droplets of a capture."""
