#!/usr/bin/env python3
"""Find the marker genes of each cluster."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("markers")
