#!/usr/bin/env python3
"""Build the k-nearest-neighbour graph of the cells."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("graph", watched=True)
