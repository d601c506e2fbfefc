"""Quality control of one sample: metrics, thresholds, doublets, and losses per step."""

from scsiameseclu.preprocess.quality.control import QualityResult, control

__all__ = ["QualityResult", "control"]
