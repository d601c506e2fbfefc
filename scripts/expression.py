#!/usr/bin/env python3
"""Normalise expression, select highly variable genes and compute principal components."""

from scsiameseclu.stages.start import start

if __name__ == "__main__":
    start("expression")
