"""How long tests wait for other processes."""

PATIENCE_S = 2400
"""Seconds that only a process that hangs takes, on however busy a machine."""
