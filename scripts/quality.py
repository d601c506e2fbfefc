#!/usr/bin/env python3
"""Filter cells and genes, and record the reason for each removal."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("quality", watched=True)
