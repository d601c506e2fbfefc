#!/usr/bin/env python3
"""Read and check the raw counts of one sample."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("ingest")
