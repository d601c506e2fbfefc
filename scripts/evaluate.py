#!/usr/bin/env python3
"""Compute clustering metrics, and agreement with published labels if available."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("evaluate", watched=True)
