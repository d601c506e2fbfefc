#!/usr/bin/env python3
"""Apply the level and the biologist's table (curation.tsv) to the clusters."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("curate", watched=True)
