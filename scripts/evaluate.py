#!/usr/bin/env python3
"""Compute clustering metrics, and agreement with published labels if available."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("evaluate")
