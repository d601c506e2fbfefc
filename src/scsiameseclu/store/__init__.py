"""The pipeline's own files: atomic writing, sidecars, provenance."""
