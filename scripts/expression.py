#!/usr/bin/env python3
"""Normalise expression, select highly variable genes and compute principal components."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("expression", watched=True)
