#!/usr/bin/env python3
"""Filter cells and genes, and record the reason for each removal."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("quality")
