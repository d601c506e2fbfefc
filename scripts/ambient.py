#!/usr/bin/env python3
"""Estimate ambient RNA."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("ambient")
