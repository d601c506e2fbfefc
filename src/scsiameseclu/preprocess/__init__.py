"""From raw counts to variable genes, principal components and the kNN graph."""
