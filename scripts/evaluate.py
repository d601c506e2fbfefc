#!/usr/bin/env python3
"""Score the clustering, and with a label column its agreement with it."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("evaluate")
