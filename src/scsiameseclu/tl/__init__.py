"""Tools: clustering, clusters edited by hand, marker genes, cell types, clusters of doublets, label
transfer, trajectory, and comparisons between conditions.

All work in place and return None, or with ``copy=True`` leave the input as it is and return a copy;
:func:`composition` and :func:`pseudobulk` return a table.
"""

from scsiameseclu.tl._annotate import annotate
from scsiameseclu.tl._cluster import cluster
from scsiameseclu.tl._conditions import composition, pseudobulk
from scsiameseclu.tl._curate import curate
from scsiameseclu.tl._doublets import doublet_clusters
from scsiameseclu.tl._markers import markers
from scsiameseclu.tl._trajectory import trajectory
from scsiameseclu.tl._transfer import transfer_labels

__all__ = [
    "annotate",
    "cluster",
    "composition",
    "curate",
    "doublet_clusters",
    "markers",
    "pseudobulk",
    "trajectory",
    "transfer_labels",
]
