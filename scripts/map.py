#!/usr/bin/env python3
"""Map the cells of a sample onto a finished cohort, without training."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("map", watched=True)
