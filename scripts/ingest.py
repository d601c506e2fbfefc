#!/usr/bin/env python3
"""Read and check the raw counts of one sample."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("ingest", watched=True)
