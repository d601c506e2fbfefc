#!/usr/bin/env python3
"""Train the Siamese networks."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("train", watched=True)
