#!/usr/bin/env python3
"""Write the HTML report of one sample."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("report")
