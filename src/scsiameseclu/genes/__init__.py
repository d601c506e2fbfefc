"""Gene ids and symbols, organism detection, and gene matching between tables."""
