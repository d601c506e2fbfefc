"""Marker genes of clusters, and the cell types that they speak for."""
