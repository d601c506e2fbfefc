"""Readers for count matrices, one module per format, and checks of their content."""
