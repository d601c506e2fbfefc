"""Quality control of one sample: metrics, thresholds, doublets, and losses per step."""

from scsiameseclu.preprocess.quality.control import QualityResult, control
from scsiameseclu.preprocess.quality.metrics import COLUMNS

__all__ = ["COLUMNS", "QualityResult", "control"]
