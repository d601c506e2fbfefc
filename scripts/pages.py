#!/usr/bin/env python3
"""Write the pages of the samples of a cohort, with its clusters."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("pages")
