#!/usr/bin/env python3
"""Write the report and the tables of the cohort from the available samples."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("cohort", watched=True)
