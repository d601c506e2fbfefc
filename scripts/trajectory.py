#!/usr/bin/env python3
"""Compute diffusion pseudotime."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("trajectory")
