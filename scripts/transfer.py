#!/usr/bin/env python3
"""Transfer the cell types of an annotated reference to the cells of a sample."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("transfer", watched=True)
