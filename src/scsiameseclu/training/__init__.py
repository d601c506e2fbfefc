"""Training of the networks: mini-batches, steps, checkpoints, progress."""
