"""Gene names: ids and symbols, organisms, matching between two lists."""
