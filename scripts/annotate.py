#!/usr/bin/env python3
"""Annotate clusters and cells with cell types from markers, a reference and CellTypist."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("annotate", watched=True)
