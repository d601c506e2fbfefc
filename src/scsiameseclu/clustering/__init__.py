"""Initial partition, number of clusters, and how clusters are written; the model imports these."""
