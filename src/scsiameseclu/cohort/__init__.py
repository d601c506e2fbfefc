"""A cohort: comparisons between conditions, with the replicate as the unit."""
