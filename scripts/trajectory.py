#!/usr/bin/env python3
"""Compute diffusion pseudotime."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("trajectory", watched=True)
