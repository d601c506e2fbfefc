"""Evaluation of clusterings: agreement with labels, and label-free measures."""

from scsiameseclu.metrics.agreement import Agreement, agreement, labelled
from scsiameseclu.metrics.classification import classification
from scsiameseclu.metrics.label_scores import label_scores
from scsiameseclu.metrics.mixing import Mixing, mixing_by_cluster
from scsiameseclu.metrics.structure import graph_purity, silhouette

__all__ = [
    "Agreement",
    "Mixing",
    "agreement",
    "classification",
    "graph_purity",
    "label_scores",
    "labelled",
    "mixing_by_cluster",
    "silhouette",
]
