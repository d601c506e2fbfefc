#!/usr/bin/env python3
"""Cluster the cells with an ensemble of optimal-transport clusterings."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("cluster", watched=True)
