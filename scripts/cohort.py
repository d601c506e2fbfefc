#!/usr/bin/env python3
"""Write the cohort's page and tables from the samples that are there."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("cohort")
