#!/usr/bin/env python3
"""Join the results of a sample in one annotated h5ad file."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("assemble")
