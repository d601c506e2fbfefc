#!/usr/bin/env python3
"""Order the cells by pseudotime."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("trajectory")
