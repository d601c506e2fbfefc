#!/usr/bin/env python3
"""Write the HTML report of one sample."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("report", watched=True)
