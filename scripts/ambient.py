#!/usr/bin/env python3
"""Estimate ambient RNA."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("ambient", watched=True)
