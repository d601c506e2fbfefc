#!/usr/bin/env python3
"""Normalise the kept cells, choose variable genes, compute principal components."""

from scsiameseclu.stages.program import main

if __name__ == "__main__":
    main("expression")
