#!/usr/bin/env python3
"""Write the results for R, CELLxGENE and Loupe Browser."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("export")
