"""Fixed limits shared by several modules."""

MIN_CELLS = 20
"""Minimum number of cells per sample; fewer have no meaningful neighbourhoods."""

BLOCK_VALUES = 4_000_000
"""Maximum number of matrix values that are dense at once (32 MB as float64)."""

MAX_NAMES = 20
"""Maximum number of names listed in a message."""

MAX_EXACT_CELLS = 50_000
"""Maximum number of cells for exact neighbour search; above it, nearest-neighbour descent."""

MAX_SCORED_CELLS = 8_000
"""Maximum number of cells whose doublets are scored together. Larger captures, which are rare, are
split at random into parts of equal size, since the time grows with the square of the number."""

MAX_COUNT = 2**24 - 1
"""Largest count of a gene in a cell: single precision is exact up to here."""

MAX_CAPTURED = 100_000
"""Number of cells above which a sample is unlikely to be a single capture."""
