#!/usr/bin/env python3
"""Train the Siamese networks."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("train")
