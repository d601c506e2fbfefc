#!/usr/bin/env python3
"""Join the cells of the samples of a cohort."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("join", watched=True)
