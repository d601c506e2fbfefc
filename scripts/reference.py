#!/usr/bin/env python3
"""Train a model on an annotated reference, once for all samples."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("reference")
