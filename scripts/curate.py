#!/usr/bin/env python3
"""Apply the level and the biologist's table (curation.tsv) to the clusters."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("curate")
