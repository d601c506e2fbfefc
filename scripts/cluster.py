#!/usr/bin/env python3
"""Cluster the cells by optimal transport; an ensemble votes on each cell."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("cluster")
