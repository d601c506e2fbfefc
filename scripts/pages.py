#!/usr/bin/env python3
"""Write the pages of the samples of a cohort, with its clusters."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("pages", watched=True)
