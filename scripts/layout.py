#!/usr/bin/env python3
"""Compute the UMAP, and Leiden clusters for comparison."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("layout", watched=True)
