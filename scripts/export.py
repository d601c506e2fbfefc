#!/usr/bin/env python3
"""Write the results for R, CELLxGENE and Loupe Browser."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("export", watched=True)
