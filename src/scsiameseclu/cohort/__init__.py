"""Samples analysed together: their cells joined, and conditions compared by replicates."""
