#!/usr/bin/env python3
"""Compare the conditions of a cohort: composition, and expression by pseudobulk."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("conditions")
