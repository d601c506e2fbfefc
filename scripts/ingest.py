#!/usr/bin/env python3
"""Read one sample's counts from any supported file, and check them."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("ingest")
