#!/usr/bin/env python3
"""Cluster the cells with an ensemble of optimal-transport clusterings."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("cluster")
