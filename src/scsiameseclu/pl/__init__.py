"""Plots of droplets, of a clustering and its markers, and of compositions; all return Axes."""

from scsiameseclu.pl._clusters import confidence, evidence, stability
from scsiameseclu.pl._conditions import composition
from scsiameseclu.pl._droplets import barcode_ranks
from scsiameseclu.pl._markers import markers

__all__ = ["barcode_ranks", "composition", "confidence", "evidence", "markers", "stability"]
