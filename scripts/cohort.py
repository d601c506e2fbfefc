#!/usr/bin/env python3
"""Write the report and the tables of the cohort from the available samples."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("cohort")
