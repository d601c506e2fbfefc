"""Joint analysis of several samples."""
