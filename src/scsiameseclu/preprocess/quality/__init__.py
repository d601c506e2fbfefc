"""Quality control of one sample: metrics, thresholds, doublets, and what was lost where."""

from scsiameseclu.preprocess.quality.control import QualityResult, control

__all__ = ["QualityResult", "control"]
