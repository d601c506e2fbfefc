#!/usr/bin/env python3
"""Filter cells and genes, with a reason for every loss."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("quality")
