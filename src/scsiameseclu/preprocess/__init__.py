"""Preprocessing: quality control, normalisation, variable genes, PCA, alignment of batches, map."""
