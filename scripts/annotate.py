#!/usr/bin/env python3
"""Name the cell type of each cluster and cell by votes: markers, a reference, CellTypist."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("annotate")
