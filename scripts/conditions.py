#!/usr/bin/env python3
"""Compare the conditions of a cohort: composition, and expression by pseudobulk."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("conditions", watched=True)
