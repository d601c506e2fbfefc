#!/usr/bin/env python3
"""Build the k-nearest-neighbour graph of the cells."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("graph")
