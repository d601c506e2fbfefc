#!/usr/bin/env python3
"""Join a sample's files into one annotated h5ad."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("assemble")
