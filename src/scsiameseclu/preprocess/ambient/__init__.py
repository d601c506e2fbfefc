"""Ambient RNA: its profile, the contamination of each cell, and corrected counts."""

from scsiameseclu.preprocess.ambient.clusters import quick_clusters
from scsiameseclu.preprocess.ambient.correction import correct_counts
from scsiameseclu.preprocess.ambient.estimation import Ambient, estimate_ambient

__all__ = ["Ambient", "correct_counts", "estimate_ambient", "quick_clusters"]
