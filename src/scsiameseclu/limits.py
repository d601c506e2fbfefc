"""The few fixed numbers that readers and checks share."""

MIN_CELLS = 20
"""Fewest cells a sample may have: below this there is no neighbourhood to cluster."""

BLOCK_VALUES = 4_000_000
"""Most values of a matrix that are ever dense at once (32 MB as float64)."""

MANY_NAMES = 20
"""Most names that one sentence lists."""

EXACT_CELLS = 50_000
"""Most cells whose neighbours are sought exactly; above, by nearest-neighbour descent."""

SCORED_CELLS = 12_000
"""Most cells whose doublets are sought at once. A batch of more is scored in random parts of equal
size: it is more than most captures hold, and Scrublet's time and memory grow faster than its cells
(30,000 took five minutes and 6 GB)."""
