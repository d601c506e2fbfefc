#!/usr/bin/env python3
"""Lay the cells out by UMAP, and cluster them by Leiden for comparison."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("layout")
