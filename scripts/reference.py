#!/usr/bin/env python3
"""Train a model on an annotated reference, once for all samples."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("reference", watched=True)
