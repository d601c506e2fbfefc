#!/usr/bin/env python3
"""Compute the UMAP, and Leiden clusters for comparison."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("layout")
