"""Preprocessing: quality control, normalisation, variable genes, PCA and the kNN graph."""
