#!/usr/bin/env python3
"""Check the config, the sample sheet and the input files before running the pipeline."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("check")
