"""One function a stage of the pipeline: files in, files out."""
