#!/usr/bin/env python3
"""Find the marker genes of each cluster."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("markers", watched=True)
