#!/usr/bin/env python3
"""Check the config, the sample sheet and every sample's file, before any work."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("check")
