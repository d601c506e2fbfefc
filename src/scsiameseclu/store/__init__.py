"""Files of the pipeline: manifest, atomic writing, sidecars, provenance."""
