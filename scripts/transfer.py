#!/usr/bin/env python3
"""Transfer the cell types of an annotated reference to the cells of a sample."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("transfer")
