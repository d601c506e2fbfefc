#!/usr/bin/env python3
"""Join the cells of the samples of a cohort."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("join")
