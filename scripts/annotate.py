#!/usr/bin/env python3
"""Annotate clusters and cells with cell types from markers, a reference and CellTypist."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("annotate")
