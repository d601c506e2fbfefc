"""The kNN graph of cells: search for neighbours, and weights."""
