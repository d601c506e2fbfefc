"""Tools: clustering, marker genes, cell types, label transfer, trajectory.

All work in place and return None, or with ``copy=True`` leave the input as it is and return a copy.
"""

from scsiameseclu.tl._annotate import annotate
from scsiameseclu.tl._cluster import cluster
from scsiameseclu.tl._markers import markers
from scsiameseclu.tl._trajectory import trajectory
from scsiameseclu.tl._transfer import transfer_labels

__all__ = ["annotate", "cluster", "markers", "trajectory", "transfer_labels"]
