#!/usr/bin/env python3
"""Map the cells of a sample onto a finished cohort, without training."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("map")
